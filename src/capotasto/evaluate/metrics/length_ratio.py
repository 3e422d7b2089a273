"""Words written for each word wanted."""

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import totals


@metric("write")
def length_ratio(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """All words written over all words wanted, 1 being as long as wanted; of several references the one nearest in
    length counts. None where nothing was written."""

    def words(text: str, wanted: list[str]) -> tuple[int, int]:
        count = len(text.split())
        return count, min((len(one.split()) for one in wanted), key=lambda length: abs(length - count))

    found = totals(answers, weights, words)
    return None if found is None else found[:, 0] / np.maximum(found[:, 1], 1e-12)
