"""Base against adapter: the numbers by the obvious formulas, the intervals paired."""

from dataclasses import dataclass

import numpy as np
import pytest

from capotasto.auditing.compare import compared, ratio
from capotasto.auditing.probe import Candidate, Comparison, Item, Tally
from capotasto.evaluate.bootstrap import resamples


@dataclass(frozen=True, kw_only=True)
class Told(Comparison):
    """Its answers are (top, bottom) of each item."""

    skill: str = "forgetting"
    title: str = "Told"
    patterns: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("share",)

    def items(self, folder, rows):
        return []

    def ask(self, base, items, contenders):
        return []

    def tallies(self, items, answers):
        top, bottom = np.array(answers, dtype=float).T
        return {"share": Tally(top, bottom)}


def make_items(*groups: str) -> list[Item]:
    return [Item((Candidate("", "x"),), (group,) if group else ()) for group in groups]


def test_values_and_change_are_ratios_of_sums() -> None:
    before, after = [(1, 2), (2, 2), (0, 4)], [(2, 2), (2, 2), (0, 4)]
    found = compared(Told(), make_items("", "", ""), before, after)
    assert found["rows"] == 3
    assert found["scores"]["share"]["base"]["value"] == 3 / 8
    assert found["scores"]["share"]["tuned"]["value"] == 4 / 8
    assert found["scores"]["share"]["change"]["value"] == 1 / 8


def test_the_interval_of_the_change_is_paired() -> None:
    """Every row gains the same, so the change is certain, however much the rows differ."""
    spread = np.linspace(0, 50, 20)
    found = compared(
        Told(), make_items(*[""] * 20), [(x, 1) for x in spread], [(x + 1, 1) for x in spread]
    )["scores"]["share"]  # fmt: skip
    assert found["change"] == {"value": pytest.approx(1), "low": pytest.approx(1), "high": pytest.approx(1)}
    assert found["base"]["high"] - found["base"]["low"] > 5


def test_groups_are_the_same_on_their_own_rows_and_small_ones_have_no_interval() -> None:
    groups = ["few"] * 9 + ["many"] * 10
    before = [(0, 1)] * 19
    after = [(1, 1)] * 9 + [(0, 1), (1, 1)] * 5
    found = compared(Told(), make_items(*groups), before, after)["groups"]
    assert found["few"] == {
        "rows": 9,
        "scores": {
            "share": {
                "base": {"value": 0, "low": None, "high": None},
                "tuned": {"value": 1, "low": None, "high": None},
                "change": {"value": 1, "low": None, "high": None},
            }
        },
    }
    many = found["many"]["scores"]["share"]["change"]
    assert (found["many"]["rows"], many["value"]) == (10, 0.5)
    assert 0.1 <= many["low"] < 0.5 < many["high"] <= 0.9


def test_a_metric_that_nothing_counts_for_is_left_out() -> None:
    assert compared(Told(), make_items("", ""), [(0, 0), (0, 0)], [(1, 1), (0, 1)])["scores"] == {}


def test_few_rows_that_count_have_no_interval_however_many_do_not() -> None:
    before, after = [(0, 1)] + [(0, 0)] * 29, [(1, 1)] + [(0, 0)] * 29
    found = compared(Told(), make_items(*[""] * 30), before, after)
    assert found["scores"]["share"]["change"] == {"value": 1, "low": None, "high": None}


def test_a_resample_without_anything_to_count_is_no_number_of_its_own() -> None:
    tally = Tally(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    values = ratio(tally, resamples(2))
    assert set(values.tolist()) == {0.5}
