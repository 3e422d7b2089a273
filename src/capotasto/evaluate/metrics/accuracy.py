"""Share of rows whose likeliest label is the true one."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("choose", usual=True, share=True)
def accuracy(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1; None without labels."""
    if answers.chosen is None:
        return None
    return (weights @ (answers.chosen == answers.truth)) / weights.sum(1)
