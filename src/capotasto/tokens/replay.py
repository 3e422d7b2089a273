"""General text among the rows of a task, so that a model goes on with what it could do before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from capotasto.types import Encoded

GENERAL = "replay"  # the task that rows of general text belong to


@dataclass(frozen=True)
class Replay:
    """Rows of general text and the share of all tokens that they make up.

    rows:  their indices among all rows
    share: above 0, below 1
    """

    rows: range
    share: float
    seed: int

    def among(self, batches: Sequence[Sequence[int]], lengths: Sequence[int], number: int) -> list[list[int]]:
        """The batches of pass `number`, each with general text added.

        Rows are whole, so what one step has too much or too little is made good in the next.
        """
        series, owed, found = self._series(number), 0.0, []
        row = next(series)
        for batch in batches:
            owed += sum(lengths[one] for one in batch) * self.share / (1 - self.share)
            general = []
            while owed >= lengths[row] / 2:
                general.append(row)
                owed -= lengths[row]
                row = next(series)
            found.append([*batch, *general])
        return found

    def _series(self, number: int) -> Iterator[int]:
        """The rows in a new order, again and again."""
        random = np.random.default_rng([self.seed, number, len(self.rows)])
        while True:
            yield from (self.rows[place] for place in random.permutation(len(self.rows)))

    def weights(self, batch: Sequence[Encoded], counts: Sequence[float]) -> list[float]:
        """What a nat of each row counts in the loss of a step: the general text has its share of the loss too, however
        few of the task's tokens are supervised.

        counts: what each row's own loss would be divided by
        """
        general = [row.task == GENERAL for row in batch]
        shares = {True: self.share, False: 1 - self.share} if any(general) else {False: 1.0}
        totals = {
            kind: sum(count for count, its in zip(counts, general, strict=True) if its == kind) for kind in shares
        }
        return [row.weight * shares[kind] / totals[kind] for row, kind in zip(batch, general, strict=True)]


def pieces(row: Encoded, size: int) -> list[Encoded]:
    """A plain text in even pieces of at most about `size` tokens; the first token of each is not learnt."""
    count = -(-len(row.ids) // size)
    ends = [round(len(row.ids) * number / count) for number in range(count + 1)]
    return [
        replace(
            row,
            ids=row.ids[start:stop],
            learn=(False, *row.learn[start + 1 : stop]),
            slot=0 if start else row.slot,
        )
        for start, stop in pairwise(ends)
    ]
