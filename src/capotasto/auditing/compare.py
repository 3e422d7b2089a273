"""Base against adapter on the same items: each metric with paired bootstrap intervals, for the whole and by group."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from capotasto.auditing.probe import Comparison, Item, Tally
from capotasto.evaluate.bootstrap import interval, resamples
from capotasto.evaluate.verdict import FEWEST
from capotasto.types import Measure


def compared(probe: Comparison, items: Sequence[Item], base: Sequence[Any], tuned: Sequence[Any]) -> dict[str, Any]:
    """The record of one adapter on one probe: `rows`, `scores` and the same for each of `groups`."""
    before, after = probe.tallies(items, base), probe.tallies(items, tuned)
    return {
        **_scores(before, after, range(len(items))),
        "groups": {name: _scores(before, after, places) for name, places in _groups(items).items()},
    }


def _groups(items: Sequence[Item]) -> dict[str, list[int]]:
    """The items of each group, by the groups' names."""
    names = sorted({name for item in items for name in item.groups})
    return {name: [i for i, item in enumerate(items) if name in item.groups] for name in names}


def _scores(before: dict[str, Tally], after: dict[str, Tally], places: Sequence[int]) -> dict[str, Any]:
    """`rows`, and metric → `base`, `tuned` and `change`; a metric for which no row of one side counts is left out."""
    weights = resamples(len(places))
    found = {}
    for name in before:
        one, other = before[name].of(places), after[name].of(places)
        if counting := min(int(np.count_nonzero(tally.bottom)) for tally in (one, other)):
            base, tuned = ratio(one, weights), ratio(other, weights)
            sides = {"base": base, "tuned": tuned, "change": tuned - base}
            found[name] = {side: _told(interval(values), counting) for side, values in sides.items()}
    return {"rows": len(places), "scores": found}


def ratio(tally: Tally, weights: np.ndarray) -> np.ndarray:
    """[R, N] weights → [R] values of the metric. A resample in which nothing counts gives the value of the whole."""
    top, bottom = weights @ tally.top, weights @ tally.bottom
    whole = tally.top.sum() / tally.bottom.sum()
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1), whole)


def _told(found: Measure, rows: int) -> dict[str, float | None]:
    """For JSON. Where fewer rows than `FEWEST` count, no interval is worth its name, and none is told."""
    return {**found.as_dict()} if rows >= FEWEST else {"value": found.value, "low": None, "high": None}
