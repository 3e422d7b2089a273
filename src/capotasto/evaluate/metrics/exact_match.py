"""Share of rows whose written answer is a wanted one."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import mean


@metric("write", usual=True, share=True)
def exact_match(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, white space at the ends ignored; None where nothing was written."""
    return mean(answers, weights, lambda text, wanted: float(text.strip() in {one.strip() for one in wanted}))
