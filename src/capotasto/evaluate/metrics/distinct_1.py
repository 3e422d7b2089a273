"""Different words among all words written (distinct-1)."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import distinct


@metric("write")
def distinct_1(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1; low where one answer is given to everything. None where nothing was written."""
    return distinct(answers, weights, 1)
