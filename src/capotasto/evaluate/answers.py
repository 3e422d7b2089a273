"""What a model answered about a set of rows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Answers:
    """Answers to the questions that were asked; the others are None. N rows, C labels.

    sums, counts:   [N] nats and supervised tokens (score)
    chosen, truth:  [N] indices of the chosen and the true label, -1 for a true label unknown in training (choose)
    written, wanted: N texts (write)
    classes:        C
    by:             who answered, in words
    """

    sums: np.ndarray
    counts: np.ndarray
    chosen: np.ndarray | None = None
    truth: np.ndarray | None = None
    written: list[str] | None = None
    wanted: list[str] | None = None
    classes: int = 0
    by: str = "the base"
