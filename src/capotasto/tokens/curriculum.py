"""Easy rows first: which rows are in play, by how far a training has come.

Source: Platanios et al. 2019, Competence-based Curriculum Learning, https://arxiv.org/abs/1903.09848, section 3, with
linear competence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GROWING = 0.5  # share of the steps in which rows still come into play


@dataclass(frozen=True)
class Curriculum:
    """Rows by difficulty, and the share of them that is in play at the first step.

    ranks: [N] share of its task's rows that are easier than this one, from 0 to below 1
    start: above 0, at most 1
    """

    ranks: tuple[float, ...]
    start: float

    def share(self, done: float) -> float:
        """The share of rows in play when `done` of all steps are done: from `start` to 1 at half of them."""
        return min(1.0, self.start + (1 - self.start) * done / GROWING)

    def in_play(self, rows: Sequence[int], share: float) -> list[int]:
        """Those of these rows that are easy enough; the easiest one always is."""
        easiest = min(rows, key=self.ranks.__getitem__)
        return [row for row in rows if self.ranks[row] < share] or [easiest]


def ranks(difficulties: Sequence[float], sizes: Sequence[int]) -> tuple[float, ...]:
    """Each row's place among those of its task, as a share; equally difficult rows keep their order.

    difficulties: of all rows, task by task
    sizes:        rows of each task
    """
    found: list[float] = []
    for size in sizes:
        own = np.asarray(difficulties[len(found) : len(found) + size])
        places = np.argsort(np.argsort(own, kind="stable"))
        found += (places / size).tolist()
    return tuple(found)
