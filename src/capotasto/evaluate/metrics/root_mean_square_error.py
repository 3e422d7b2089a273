"""How far told numbers are from the true ones, where large errors weigh more."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("tell", usual=True)
def root_mean_square_error(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """In the data's own unit, each column's averaged; None where no number was told."""
    if answers.told is None or answers.numbers is None:
        return None
    squares = (weights @ (answers.told - answers.numbers) ** 2) / weights.sum(1, keepdims=True)  # [R, C]
    return np.sqrt(squares).mean(1)
