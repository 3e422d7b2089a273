"""How far probabilities are from what comes true: expected calibration error, in ten bins of equal width."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric

BINS = 10


@metric("choose")
def calibration_error(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1: in each bin of the chosen label's probability, how far its mean is from the share of right
    choices, averaged over the rows (Guo et al. 2017, https://arxiv.org/abs/1706.04599, section 2). None without labels.
    """
    found = answers.probabilities
    if found is None or answers.chosen is None:
        return None
    sure = found[np.arange(len(found)), answers.chosen]
    gaps = (answers.chosen == answers.truth) - sure
    bins = np.clip(np.ceil(sure * BINS) - 1, 0, BINS - 1)  # each with its upper end, as in the paper
    return np.abs(weights @ (gaps[:, None] * (bins[:, None] == np.arange(BINS)))).sum(1) / weights.sum(1)
