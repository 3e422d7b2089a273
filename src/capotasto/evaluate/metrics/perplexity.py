"""How many tokens the model hesitates between: e to the power of the loss."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.metrics.loss import loss


@metric("score")
def perplexity(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """From 1 on, per supervised token; None where nothing was scored."""
    nats = loss(answers, weights)
    return None if nats is None else np.exp(nats)
