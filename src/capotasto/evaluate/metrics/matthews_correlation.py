"""Correlation of chosen and true labels (Matthews), which no guessing of common labels raises."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("choose")
def matthews_correlation(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between −1 and 1, for any number of labels (Gorodkin 2004, https://doi.org/10.1016/j.compbiolchem.2004.09.006).

    0 where only one label is chosen or true, as in scikit-learn; None without labels.
    """
    if answers.chosen is None or answers.truth is None:
        return None
    labels = np.arange(-1, answers.classes)  # a true label that training did not know is one of its own
    chosen, true = (weights @ (found[:, None] == labels) for found in (answers.chosen, answers.truth))  # [R, C + 1]
    rows, hits = weights.sum(1), weights @ (answers.chosen == answers.truth)
    shared = hits * rows - (chosen * true).sum(1)
    spread = np.sqrt((rows**2 - (chosen**2).sum(1)) * (rows**2 - (true**2).sum(1)))
    return np.divide(shared, spread, out=np.zeros(len(weights)), where=spread > 1e-9)
