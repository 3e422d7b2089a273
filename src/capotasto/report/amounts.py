"""Where a cost lies: none at the left end, then the others, by their orders of magnitude where these differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capotasto.report.axis import Axis
from capotasto.report.scale import Linear, Logarithmic

EDGE = 0.04  # of the width, free on both sides
NONE = 0.16  # of the width, for the costs that are none
FACTOR = 8  # between the largest and the smallest, from which on orders of magnitude tell more
MOST_TICKS = 4


@dataclass(frozen=True)
class Amounts:
    """A scale for costs of nought and more. start: where the costs above nought begin, as a share of the width."""

    inner: Linear | Logarithmic | None
    start: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Amounts":
        """A scale that holds all values."""
        some = [value for value in values if value > 0]
        start = EDGE if len(some) == len(values) else NONE
        if not some:
            return cls(None, start)
        low, high = min(some), max(some)
        inner = Logarithmic(low, high) if high > FACTOR * low else Linear(Axis.around([low, high]))
        return cls(inner, start)

    def share(self, value: float) -> float:
        """Where a value lies: 0 at the left end, 1 at the right end."""
        if value <= 0 or self.inner is None:
            return EDGE
        return self.start + (1 - EDGE - self.start) * self.inner.share(value)

    def ticks(self, write: Callable[[float], str]) -> list[tuple[float, str]]:
        """(share, words) of a few round values."""
        none = [(EDGE, "0")] if self.start == NONE else []
        values = self._round_values()
        stride = -(-len(values) // MOST_TICKS) or 1
        return none + [(self.share(value), write(value)) for value in values[::stride]]

    def _round_values(self) -> list[float]:
        if self.inner is None:
            return []
        if isinstance(self.inner, Logarithmic):
            return self.inner.round_values(6)
        return [value for value, _ in self.inner.axis.ticks(MOST_TICKS) if value > 0]
