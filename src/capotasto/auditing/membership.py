"""Can one tell from the loss which rows an adapter has learnt? Membership inference against the run's own test rows.

Two scores are asked, each high where a row is taken for learnt: minus the adapter's loss (Yeom et al. 2018,
https://arxiv.org/abs/1709.01604 section 3), and the base's loss minus the adapter's, which allows for how hard the row
is (Watson et al. 2022, https://arxiv.org/abs/2111.08440). Both sides are rows of one file, divided by a hash: without
learning by heart they look the same, and the area under the curve is 0.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from capotasto.auditing.run_rows import RunRow, RunRows, carried, encode, room
from capotasto.evaluate.bootstrap import interval, resamples
from capotasto.evaluate.questions import score
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Measure

ROWS = 200  # of each side at most
LEAST = 10  # rows of each side, below which an interval by resampling means nothing
MARGIN = 0.05  # above 0.5, which the whole interval must exceed


@dataclass(frozen=True)
class Membership:
    """How well learnt rows are told from others.

    areas:   "loss" and, where the base can be asked the same, "gain": the area under the ROC curve; 0.5 is chance
    flagged: the whole interval of one of them is above 0.5 + MARGIN, and both sides have LEAST rows
    """

    train: int
    held_out: int
    areas: dict[str, Measure]

    @property
    def flagged(self) -> bool:
        """True where membership shows."""
        enough = min(self.train, self.held_out) >= LEAST
        return enough and any(area.low > 0.5 + MARGIN for area in self.areas.values())

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rows": {"train": self.train, "held_out": self.held_out},
            "areas": {name: area.as_dict() for name, area in self.areas.items()},
            "margin": MARGIN,
            "flagged": self.flagged,
        }


def membership(base: Base, adapter: Adapter, rows: RunRows, most: int = ROWS, seed: int = 0) -> Membership:
    """Ask the adapter, and the base where the adapter writes text, for the loss of rows of both sides.

    most: rows of each side, drawn by `seed`
    """
    train, held_out = rows.drawn(most, seed)
    asked, length = [*train, *held_out], room(base, adapter, rows.max_length)
    own = _losses(base, asked, adapter, length)
    scores = {"loss": -own}
    if adapter.head() is None:
        scores["gain"] = _losses(base, asked, None, length) - own
    areas = {name: area_under_curve(found[: len(train)], found[len(train) :]) for name, found in scores.items()}
    return Membership(len(train), len(held_out), areas)


def area_under_curve(members: np.ndarray, others: np.ndarray) -> Measure:
    """[N] and [M] scores → how often a member's is above another's (ties count half), with its 95 % interval over rows.

    Both sides are resampled, each for itself.
    """
    above = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    one, other = resamples(len(members), seed=0), resamples(len(others), seed=1)
    return interval(((one @ above) * other).sum(1) / (len(members) * len(others)))


def _losses(base: Base, rows: Sequence[RunRow], adapter: Adapter | None, length: int) -> np.ndarray:
    """[N] loss of each row for each thing that is learnt in it: nats a token, or what a head's objective is."""
    sums, counts = score(base, encode(base, rows, adapter, length), carried(rows, adapter))
    return sums / np.maximum(counts, 1)
