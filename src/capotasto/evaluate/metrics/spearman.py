"""Spearman correlation of told and true numbers: of their ranks."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.correlation import correlation, ranks
from capotasto.evaluate.metric import metric


@metric("tell", usual=True)
def spearman(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between −1 and 1, averaged over the columns, 0 where nothing varies; None where no number was told."""
    if answers.told is None or answers.numbers is None:
        return None
    pairs = zip(answers.told.T, answers.numbers.T, strict=True)
    return np.mean([correlation(ranks(told, weights), ranks(true, weights), weights) for told, true in pairs], axis=0)
