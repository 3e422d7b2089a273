"""Where the values of a searched setting lie: on a plain axis, on one of orders of magnitude, or side by side."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from capotasto.report import format
from capotasto.report.axis import Axis


class Scale(Protocol):
    """Places of values, and which of them have a text."""

    def share(self, value: Any) -> float:
        """Where a value lies: 0 at the left end, 1 at the right end."""

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """(share, text) of up to about `wanted` values."""


@dataclass(frozen=True)
class Linear:
    """Numbers on a plain axis."""

    axis: Axis

    def share(self, value: Any) -> float:
        """As for every scale."""
        return self.axis.share(value)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """As for every scale."""
        return [(self.axis.share(value), words) for value, words in self.axis.ticks(wanted)]


@dataclass(frozen=True)
class Logarithmic:
    """Numbers from `low` to `high` by their orders of magnitude."""

    low: float
    high: float

    def share(self, value: Any) -> float:
        """As for every scale."""
        return math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """Those of `round_values`."""
        return [(self.share(value), f"{value:g}") for value in self.round_values(wanted)]

    def round_values(self, wanted: int) -> list[float]:
        """Powers of ten; their halves and fifths too where there is room."""
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        steps = (1, 2, 5) if 3 * (len(powers) - 1) <= wanted else (1,)
        values = [step * 10.0**power for power in powers for step in steps]
        return [value for value in values if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]


@dataclass(frozen=True)
class Beside:
    """A few values beside one another."""

    values: list[Any]

    def share(self, value: Any) -> float:
        """As for every scale."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """All of them."""
        return [(self.share(value), _short(format.plain(value))) for value in self.values]


def scale_of(space: Mapping[str, Any]) -> Scale:
    """The scale for a setting's part of a search space, as `search.json` holds it."""
    if "values" in space:
        return Beside(list(space["values"]))
    low, high = float(space["low"]), float(space["high"])
    return Logarithmic(low, high) if space.get("log") else Linear(Axis(low, high))


def _short(text: str, most: int = 14) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
