"""How often a row of a label gets a higher probability of it than a row of another label: area under the ROC curve."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.correlation import ranks
from capotasto.evaluate.metric import metric


@metric("choose")
def auroc(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, one label against the rest, averaged over the labels; 0.5 is chance. None without labels.

    A label that no row has, or every row, is left out. From ranks (Hanley and McNeil 1982,
    https://doi.org/10.1148/radiology.143.1.7063747), so that like probabilities count half.
    """
    found = answers.probabilities
    if found is None or answers.truth is None:
        return None
    total, seen = np.zeros(len(weights)), np.zeros(len(weights))
    for label in range(found.shape[1]):
        true = answers.truth == label
        inside, outside = weights @ true, weights @ ~true
        above = (weights * true * ranks(found[:, label], weights)).sum(1) - inside * (inside + 1) / 2
        both = inside * outside > 0
        total += np.divide(above, inside * outside, out=np.zeros(len(weights)), where=both)
        seen += both
    return np.divide(total, seen, out=np.full(len(weights), 0.5), where=seen > 0)
