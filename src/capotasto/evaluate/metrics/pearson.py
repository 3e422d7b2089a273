"""Pearson correlation of told and true numbers."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.correlation import correlation
from capotasto.evaluate.metric import metric


@metric("tell", usual=True)
def pearson(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between −1 and 1, averaged over the columns, 0 where nothing varies; None where no number was told."""
    if answers.told is None or answers.numbers is None:
        return None
    pairs = zip(answers.told.T, answers.numbers.T, strict=True)
    return np.mean([correlation(told, true, weights) for told, true in pairs], axis=0)
