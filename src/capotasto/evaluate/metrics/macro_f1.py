"""F1 of each label, averaged with equal weight."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric


@metric("choose", "mark", usual=True, share=True)
def macro_f1(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1; the mean is over labels that occur among the true or the chosen ones, as in scikit-learn."""
    if answers.marks is None:
        return None
    chosen, true = answers.marks
    hits, predicted, actual = weights @ (chosen & true), weights @ chosen, weights @ true  # [R, C]
    present = (predicted + actual) > 0
    scores = np.where(present, 2 * hits / np.maximum(predicted + actual, 1e-12), 0)
    return scores.sum(1) / np.maximum(present.sum(1), 1)
