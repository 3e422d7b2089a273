"""Share of rows whose written answer is the wanted one."""

import numpy as np

from capotasto.evaluate.answers import Answers


def exact_match(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 1, white space at the ends ignored; None where nothing was written."""
    if answers.written is None or answers.wanted is None:
        return None
    same = [text.strip() == want.strip() for text, want in zip(answers.written, answers.wanted, strict=True)]
    return (weights @ np.array(same)) / weights.sum(1)
