"""F1 over all marks of all rows, where any number of labels may fit."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("mark", usual=True, share=True)
def micro_f1(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, 1 where there is nothing to mark and nothing is marked; None without marks."""
    if answers.marked is None or answers.fitting is None:
        return None
    hits = weights @ (answers.marked & answers.fitting).sum(1)
    marks = weights @ (answers.marked.sum(1) + answers.fitting.sum(1))
    return np.where(marks > 0, 2 * hits / np.maximum(marks, 1e-12), 1.0)
