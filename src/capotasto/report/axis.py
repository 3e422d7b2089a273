"""A numeric axis: round tick values, and where a value lies between the ends."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from capotasto.report.format import fixed


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values, low < high."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float], margin: float = 0.06) -> "Axis":
        """An axis that holds all values, with a margin as a share of their spread on both sides."""
        known = list(values)
        low, high = min(known), max(known)
        spare = margin * (high - low) or 0.05 * abs(high) or 1.0
        return cls(low - spare, high + spare)

    def share(self, value: float) -> float:
        """Where `value` lies: 0 at the low end, 1 at the high end."""
        return (value - self.low) / (self.high - self.low)

    def ticks(self, wanted: int) -> list[tuple[float, str]]:
        """Up to about `wanted` round values within the axis, each with its text."""
        step = round_step((self.high - self.low) / wanted)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(place * step, fixed(place * step, decimals)) for place in range(first, last + 1)]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, 50, … (and their tenths) that is not below `least`."""
    power: float = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
