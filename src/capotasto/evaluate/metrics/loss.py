"""Mean loss per supervised token."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("score", usual=True)
def loss(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Nats per supervised token: all nats over all tokens, so that long rows count by their length; None without."""
    if answers.sums is None or answers.counts is None:
        return None
    return (weights @ answers.sums) / np.maximum(weights @ answers.counts, 1e-12)
