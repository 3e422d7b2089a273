"""Squared error of the labels' probabilities (Brier)."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("choose")
def brier_score(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 2: squared errors added over the labels and averaged over the rows, as Brier (1950,
    https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2) has them; None without labels."""
    found = answers.probabilities
    if found is None or answers.truth is None:
        return None
    true = answers.truth[:, None] == np.arange(found.shape[1])
    return (weights @ ((found - true) ** 2).sum(1)) / weights.sum(1)
