"""How the budget is divided: rows that are judged, seconds for choosing, seconds for each training."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from capotasto.errors import SettingError
from capotasto.report.format import seconds as as_time

JUDGING = 0.4  # share of the budget for answers to the test rows, at most
CHOOSING = 0.2  # share for the choices of contenders that do not train, where others do
CHOICES = 16  # rows that a contender reads in any case in order to choose
AFTER = 0.25  # share of what is left for training that is kept for the audit and the learning curve
FEWEST = 10  # test rows that are judged in any case, where there are so many
LEAST_STEPS = 4  # optimiser steps below which a training is none
BACKWARD = 3  # a step takes so many times a forward pass
REQUESTS = 5  # single requests whose time is taken for each contender
LOOKING = 0.05  # share of a training's seconds that one look at the validation rows may take


@dataclass(frozen=True)
class Demand:
    """What a contender needs.

    tokens: that it reads for one row
    learns: it trains
    """

    tokens: float
    learns: bool


@dataclass(frozen=True)
class Timetable:
    """The plan of a comparison, made once and kept when it goes on.

    pace:     seconds of the base for one token
    test:     test rows that every contender answers
    val:      validation rows on which contenders choose and trainings are looked at, at most
    choosing: seconds for each contender that chooses and does not train
    training: seconds for each contender that trains, the search for its learning rate included
    """

    pace: float
    test: int
    val: int
    choosing: float
    training: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def divide(
    budget: float, pace: float, demands: Sequence[Demand], test: int, val: int, step: int, writing: float = 0.0
) -> Timetable:
    """Divide the budget among contenders.

    pace:      seconds of the base for one token
    writing:   seconds for one written answer
    test, val: rows there are
    step:      tokens of an optimiser step
    Errors: the budget is too small, with the least that is enough.
    """
    tokens = sum(demand.tokens for demand in demands)
    row = pace * tokens + writing * len(demands)  # seconds in which all contenders answer one row
    fewest, shortest = min(FEWEST, test), LEAST_STEPS * step * BACKWARD * pace
    learning = sum(demand.learns for demand in demands)
    rest = len(demands) - learning
    choices = CHOICES * pace * sum(demand.tokens for demand in demands if not demand.learns)
    judging = (fewest + REQUESTS) * row
    least = max(judging / JUDGING, judging + choices + learning * shortest / (1 - AFTER))
    if budget < least:
        raise SettingError(
            f"a budget of {as_time(budget)} is too small for {len(demands)} contenders on this machine, which need at"
            f" least {as_time(_rounded_up(least))}: raise --budget, or name fewer with --methods"
        )
    judged = max(fewest, min(test, int(budget * JUDGING / row) - REQUESTS))
    left = budget - (judged + REQUESTS) * row
    choosing = max(left * CHOOSING, choices) if learning else left
    choosing, training = choosing / max(1, rest), (left - choosing) * (1 - AFTER) / max(1, learning)
    seen = int((training * LOOKING if learning else choosing) / (pace * tokens / len(demands)))
    return Timetable(pace, judged, min(val, max(FEWEST, seen)), choosing, training)


def _rounded_up(seconds: float) -> float:
    """To whole seconds, or to whole minutes above ten of them."""
    unit = 60 if seconds > 600 else 1
    return float(-(-seconds // unit) * unit)
