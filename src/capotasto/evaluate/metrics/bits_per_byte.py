"""Loss in bits per byte of the completions, which compares between bases with different tokenizers."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("score")
def bits_per_byte(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """All bits, those of the end token included, over all bytes of the completions in UTF-8; None without them.

    The measure of The Pile (https://arxiv.org/abs/2101.00027, section 3.1).
    """
    if answers.sums is None or answers.bytes is None:
        return None
    return (weights @ answers.sums) / np.log(2) / np.maximum(weights @ answers.bytes, 1e-12)
