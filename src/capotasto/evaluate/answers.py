"""What a model answered about a set of rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Answers:
    """Answers to the questions that were asked; the others are None. N rows, C labels.

    sums, counts:   [N] nats and supervised tokens (score)
    chosen, truth:  [N] indices of the chosen and the true label, -1 for a true label unknown in training (choose)
    written, wanted: N texts (write)
    classes:        C
    """

    sums: np.ndarray
    counts: np.ndarray
    chosen: np.ndarray | None = None
    truth: np.ndarray | None = None
    written: list[str] | None = None
    wanted: list[str] | None = None
    classes: int = 0


def pooled(answers: Sequence[Answers]) -> Answers:
    """The rows of several tasks, each with its own labels: one task's labels are counted on from another's.

    Where a task was not asked to choose and to write, the whole is not either.
    """
    sums, counts = (np.concatenate([getattr(one, name) for one in answers]) for name in ("sums", "counts"))
    if any(one.chosen is None or one.truth is None for one in answers):
        return Answers(sums, counts)
    starts = np.cumsum([0, *(one.classes for one in answers)])
    chosen, truth = (
        np.concatenate([_shifted(getattr(one, name), start) for one, start in zip(answers, starts, strict=False)])
        for name in ("chosen", "truth")
    )
    written, wanted = ([text for one in answers for text in getattr(one, name) or ()] for name in ("written", "wanted"))
    return Answers(sums, counts, chosen, truth, written, wanted, int(starts[-1]))


def _shifted(classes: np.ndarray, start: int) -> np.ndarray:
    return np.where(classes >= 0, classes + start, -1)
