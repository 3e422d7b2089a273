"""Words of a written answer on average."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import mean


@metric("write")
def mean_words(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Words between white space; neither more nor fewer is better. None where nothing was written."""
    return mean(answers, weights, lambda text, wanted: len(text.split()))
