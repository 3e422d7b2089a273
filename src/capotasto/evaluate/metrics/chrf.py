"""Runs of one to six characters that written answers share with the wanted ones, over all rows together (chrF)."""

from collections import Counter

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metric import metric
from capotasto.evaluate.written import totals

ORDERS = 6
BETA = 2  # recall counts so many times as much as precision


@metric("write")
def chrf(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
    """Between 0 and 100, as in sacrebleu, white space ignored (Popović 2015, https://aclanthology.org/W15-3049); the
    reference that fits best counts. None where nothing was written."""

    def counts(text: str, wanted: list[str]) -> np.ndarray:
        runs = _runs(text)
        found = [_shared(runs, _runs(one)) for one in wanted]
        return max(found, key=lambda one: float(_score(one))).ravel()

    found = totals(answers, weights, counts)
    return None if found is None else _score(found.reshape(len(weights), ORDERS, 3))


def _runs(text: str) -> list[Counter]:
    """How often each run of 1, 2, … characters occurs."""
    letters = "".join(text.split())
    return [Counter(letters[i : i + size] for i in range(len(letters) - size + 1)) for size in range(1, ORDERS + 1)]


def _shared(written: list[Counter], wanted: list[Counter]) -> np.ndarray:
    """[6, 3] runs of each length: written, wanted and common."""
    pairs = zip(written, wanted, strict=True)
    return np.array([[one.total() if other else 0, other.total(), (one & other).total()] for one, other in pairs])


def _score(counts: np.ndarray) -> np.ndarray:
    """[.., 6, 3] → [..]: F2 of precision and recall, each averaged over the lengths that both sides have."""
    written, wanted, common = np.moveaxis(counts, -1, 0)
    both = (written > 0) & (wanted > 0)
    lengths = np.maximum(both.sum(-1), 1)
    precision, recall = (
        np.divide(common, whole, out=np.zeros(common.shape), where=both).sum(-1) / lengths
        for whole in (written, wanted)
    )
    weight = BETA**2
    return 100 * (1 + weight) * precision * recall / np.maximum(weight * precision + recall, 1e-12)
