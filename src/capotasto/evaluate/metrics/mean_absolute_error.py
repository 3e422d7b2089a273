"""How far told numbers are from the true ones on average."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("tell", usual=True)
def mean_absolute_error(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """In the data's own unit, averaged over the columns; None where no number was told."""
    if answers.told is None or answers.numbers is None:
        return None
    return (weights @ np.abs(answers.told - answers.numbers).mean(1)) / weights.sum(1)
