"""A training that the clock ends: with a look, a learning rate that has fallen, and no step after it."""

from typing import Any

import pytest

from capotasto.session import Base
from capotasto.training import loop
from capotasto.training.job import Job
from capotasto.training.optim import learning_rate_at
from capotasto.training.settings import TrainSettings
from tests.making import make_base, make_fresh, make_rows

LR = 0.01


class Clock:
    """Moves one second with every step."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.5  # it is read before and after a step
        return self.now


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base()


def job(base: Base, name: str = "a", **settings: Any) -> Job:
    chosen = TrainSettings(epochs=50, batch_tokens=40, lr=LR, **settings)
    return Job(name, make_fresh("prompt", base), make_rows(base, 12), make_rows(base, 4, 1), chosen)


def trained(base: Base, monkeypatch: pytest.MonkeyPatch, *jobs: Job) -> list[Any]:
    monkeypatch.setattr(loop.time, "perf_counter", Clock())
    return list(loop.train(base, jobs))


def test_it_ends_in_time_with_a_look(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    one = job(base, max_seconds=3.4)
    records = trained(base, monkeypatch, one)
    assert (one.stopped, one.step) == ("out of time", 7)
    assert one.steps > 100
    assert records[-1].kind == "held_out"
    assert records[-1].step == 7


def test_the_learning_rate_falls_by_the_clock(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    one = job(base, max_seconds=3.4)
    rates = [record.learning_rate for record in trained(base, monkeypatch, one) if record.kind == "step"]
    wanted = [learning_rate_at(int(one.steps * 0.5 * step / 3.4), one.steps, LR) for step in range(7)]
    assert rates == pytest.approx(wanted)
    assert rates[-1] < 0.2 * LR


def test_a_clock_that_does_not_run_out_changes_nothing(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    short = {"epochs": 2, "batch_tokens": 40, "lr": LR}
    jobs = [
        Job("a", make_fresh("prompt", base), make_rows(base, 12), (), TrainSettings(**short, max_seconds=limit))
        for limit in (None, 1e6)
    ]
    (_, without), (_, with_clock) = [
        (trained(base, monkeypatch, one), next(one.adapter.parameters()).detach()) for one in jobs
    ]
    assert without.equal(with_clock)
    assert {one.stopped for one in jobs} == {"all epochs done"}


def test_each_of_several_has_its_own_time(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = job(base, "early", max_seconds=1.0), job(base, "late", max_seconds=2.0)
    trained(base, monkeypatch, early, late)
    assert early.step < late.step
    assert early.seconds == pytest.approx(1.0, abs=0.5)
    assert late.seconds == pytest.approx(2.0, abs=0.5)
