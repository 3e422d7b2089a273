"""The budget is divided so that it is enough for everything, or refused with the least that is."""

import re

import pytest

from capotasto.comparing.timetable import Demand, divide
from capotasto.errors import SettingError

PACE, STEP = 1e-3, 512
EVERY = [Demand(80, False), Demand(400, False), Demand(100, True), Demand(300, True)]


def spent(budget: float, demands: list[Demand] = EVERY, test: int = 200) -> float:
    """Seconds, if everyone takes all that is given."""
    times = divide(budget, PACE, demands, test, 50, STEP)
    judging = (times.test + 5) * PACE * sum(one.tokens for one in demands)
    learning = sum(one.learns for one in demands)
    return judging + times.training * learning + times.choosing * (len(demands) - learning)


@pytest.mark.parametrize("budget", [40, 100, 1200, 36000])
def test_what_is_given_is_no_more_than_the_budget(budget: float) -> None:
    assert 0.6 * budget < spent(budget) <= budget


def test_more_time_judges_more_rows_up_to_all() -> None:
    tests = [divide(budget, PACE, EVERY, 200, 50, STEP).test for budget in (40, 100, 200, 10000)]
    assert tests == sorted(tests)
    assert tests[0] < 40
    assert tests[-1] == 200
    assert divide(40, PACE, EVERY, 3, 50, STEP).test == 3


def test_without_training_all_time_is_for_choosing() -> None:
    times = divide(100, PACE, EVERY[:2], 20, 500, STEP)
    assert times.choosing == pytest.approx((100 - 25 * 0.48) / 2)
    times = divide(100, PACE, EVERY, 20, 500, STEP)
    assert times.training > times.choosing


def test_a_look_at_the_validation_rows_is_a_small_part_of_a_training() -> None:
    times = divide(100, PACE, EVERY, 20, 5000, STEP)
    assert times.val * 220 * PACE <= 0.05 * times.training + 10 * 220 * PACE
    assert times.val < 5000


def test_answers_that_are_written_take_their_time() -> None:
    fast, slow = (divide(100, PACE, EVERY, 200, 50, STEP, writing) for writing in (0.0, 0.2))
    assert slow.test < fast.test
    assert (slow.test + 5) * (0.88 + 4 * 0.2) <= 40


@pytest.mark.parametrize("demands", [EVERY, EVERY[:2], EVERY[2:]])
def test_the_least_that_is_named_is_enough(demands: list[Demand]) -> None:
    with pytest.raises(SettingError, match=r"2\.00\s*s is too small for . contenders .*--budget.*--methods") as caught:
        divide(2, PACE, demands, 200, 50, STEP)
    named = re.search(r"at least ([\d.]+)", str(caught.value))
    assert named is not None
    least = float(named[1])
    times, choosers = divide(least, PACE, demands, 200, 50, STEP), [one for one in demands if not one.learns]
    assert times.test >= 10
    assert times.choosing * len(choosers) >= 16 * PACE * sum(one.tokens for one in choosers)
    assert spent(least, demands) <= least
