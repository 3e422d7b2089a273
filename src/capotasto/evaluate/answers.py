"""What a model answered about a set of rows."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Answers:
    """Answers to the questions that were asked; the others are None. N rows, C labels or columns of numbers.

    sums, counts:   [N] nats and supervised tokens (score)
    chosen, truth:  [N] indices of the chosen and the true label, -1 for a true label unknown in training (choose)
    written, wanted: N texts (write)
    classes:        C
    told, numbers:  [N, C] numbers of a head and the true ones
    marked, fitting: [N, C] booleans: the labels a head found and those that fit
    """

    sums: np.ndarray | None = None
    counts: np.ndarray | None = None
    chosen: np.ndarray | None = None
    truth: np.ndarray | None = None
    written: list[str] | None = None
    wanted: list[str] | None = None
    classes: int = 0
    told: np.ndarray | None = None
    numbers: np.ndarray | None = None
    marked: np.ndarray | None = None
    fitting: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """N."""
        return next(len(found) for found in (self.sums, self.numbers, self.fitting) if found is not None)

    @property
    def marks(self) -> tuple[np.ndarray, np.ndarray] | None:
        """[N, C] booleans each: the labels that were chosen or found, and the true ones; None without labels."""
        if self.marked is not None and self.fitting is not None:
            return self.marked, self.fitting
        if self.chosen is None or self.truth is None:
            return None
        labels = np.arange(self.classes)
        return self.chosen[:, None] == labels, self.truth[:, None] == labels
