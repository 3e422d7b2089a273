"""Shares of rows with intervals that hold for few rows too, and where the share is 0 or 1."""

import math

from capotasto.types import Measure

_Z = 1.959964  # of a normal distribution: 95 % lie within ± so many standard deviations


def share(hits: int, rows: int) -> Measure:
    """Hits among rows, with Wilson's 95 % score interval (https://doi.org/10.1080/01621459.1927.10502953)."""
    found, spread = hits / rows, _Z**2 / rows
    middle = (found + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(found * (1 - found) / rows + spread / (4 * rows))
    return Measure(found, min(found, max(0.0, middle - half)), max(found, min(1.0, middle + half)))


def excess(one: Measure, other: Measure) -> Measure:
    """One share minus another of other rows, by Newcombe's method 10 from their Wilson intervals
    (https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C873::AID-SIM779%3E3.0.CO;2-I)."""
    gap = one.value - other.value
    low = math.hypot(one.value - one.low, other.high - other.value)
    high = math.hypot(one.high - one.value, other.value - other.low)
    return Measure(gap, gap - low, gap + high)
