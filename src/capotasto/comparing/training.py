"""Adapters of a comparison: trained by the one loop, over its rows and in its seconds, and kept without a judgement."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capotasto.artifact import save_adapter
from capotasto.comparing.contender import Ready
from capotasto.comparing.contest import Contest
from capotasto.comparing.timetable import BACKWARD, LEAST_STEPS
from capotasto.errors import TrainingError
from capotasto.experiment.plan import Plan, plan
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import runs_alone
from capotasto.experiment.tasks import Task
from capotasto.training.fill import learn
from capotasto.training.stop import EarlyStopping

ADAPTER = "adapter"  # where a contender keeps it; the further members of an ensemble are adapter-1, adapter-2, …
FACTORS = (1 / 3, 1.0, 3.0)  # of the learning rate that the method's rule gives
SEARCH = 0.25  # share of a training's seconds for choosing its learning rate
STEPPING = 0.8  # share of the seconds left after preparing that is for optimiser steps; the others are for looks
LEAST_SECONDS = 0.1  # where preparing has left nothing, there is one step
TRUNK = 4.0  # gigabytes of disk for states of frozen layers


@dataclass(frozen=True)
class Rate:
    """A learning rate.

    value:   None for the method's rule
    why:     how it was chosen
    seconds: that choosing took
    """

    value: float | None
    why: str
    seconds: float = 0.0


def chosen_rate(contest: Contest, method: str, seconds: float) -> Rate:
    """The best of three learning rates around the method's own rule, each tried in a training that is as short as the
    time allows and cools down as a long one does. Where there is no time for that, the rule's."""
    start = time.monotonic()
    room, step = seconds * SEARCH, contest.settings.training().batch_tokens
    if room < len(FACTORS) * LEAST_STEPS * step * BACKWARD * contest.timetable.pace:
        return Rate(None, "the method's rule; there was no time to try others")
    rule = _plan(contest, _settings(contest, method, "rule")).job.lr
    tries = [_settings(contest, method, f"{method} at {rule * factor:.2g}", lr=rule * factor) for factor in FACTORS]
    losses = {
        one.job.lr: stopping.best_loss
        for one, stopping in _learnt(contest, tries, start + room)
        if stopping.best and not one.job.failed
    }
    best = min(losses, key=lambda rate: losses[rate], default=rule)
    return Rate(best, f"the best of {len(losses)} that were tried", time.monotonic() - start)


def train(
    contest: Contest,
    method: str,
    folder: Path,
    rate: Rate,
    seconds: float,
    members: int = 1,
    task: Task | None = None,
) -> Ready:
    """An adapter that is kept in `folder`, or several that differ in their seed, trained together in the same seconds.

    task: other rows to be learnt. Errors: one could not be trained.
    """
    start = time.monotonic()
    names = [f"{folder.name}-{number}" if number else folder.name for number in range(members)]
    each = [
        _settings(contest, method, name, lr=rate.value, seed=contest.settings.seed + number)
        for number, name in enumerate(names)
    ]
    learnt = list(_learnt(contest, each, start + seconds, task))
    places = [folder / (f"{ADAPTER}-{number}" if number else ADAPTER) for number in range(members)]
    for (one, stopping), place in zip(learnt, places, strict=True):
        if one.job.failed or not one.job.step:
            raise TrainingError(f"{one.name} could not be trained: {one.job.stopped or 'no time for a step'}")
        stopping.restore()
        _save(contest, one, place)
    first, stopping = learnt[0]
    settings = {
        "lr": first.job.lr,
        "rate": rate.why,
        "steps": first.job.step,
        "stopped": first.job.stopped,
        "validation_loss": round(stopping.best_loss, 6) if stopping.best else None,
        **({"members": members} if members > 1 else {}),
    }
    return Ready(
        adapters=tuple(one.job.adapter for one, _ in learnt),
        settings=settings,
        training=time.monotonic() - start,
        bytes=sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file()),
    )


def ranked(contest: Contest) -> list[str]:
    """Trained contenders that write, the lowest loss on the validation rows first. Errors: there is none."""
    losses = {
        name: record["settings"]["validation_loss"]
        for name, record in contest.done.items()
        if record["kind"] == "training" and record["method"] != "head"
    }
    known = {name: loss for name, loss in losses.items() if loss is not None}
    if not known:
        raise TrainingError("there is no trained adapter that writes to go on from; add one to --methods, such as lora")
    return sorted(known, key=lambda name: known[name])


def _settings(contest: Contest, method: str, name: str, **own: object) -> TuneSettings:
    return contest.settings.training(method=method, name=name, **own)


def _plan(contest: Contest, settings: TuneSettings, task: Task | None = None) -> Plan:
    """A training that is ready to begin. Nothing of it stays on the disk."""
    with tempfile.TemporaryDirectory() as scratch:
        shared = contest.shared(settings, task)
        return plan(contest.base, contest.source, Path(scratch), settings, shared)


def _learnt(
    contest: Contest, each: Sequence[TuneSettings], deadline: float, task: Task | None = None
) -> Iterator[tuple[Plan, EarlyStopping]]:
    """Train until each has ended or the clock is at `deadline`: together, those with a model of their own in turn."""
    groups = [[one] for one in each] if runs_alone(each[0].method) else [list(each)]
    for number, group in enumerate(groups):
        now = time.monotonic()
        yield from _together(contest, group, now + (deadline - now) / (len(groups) - number), task)


def _together(
    contest: Contest, group: Sequence[TuneSettings], deadline: float, task: Task | None
) -> list[tuple[Plan, EarlyStopping]]:
    """Steps get the seconds that preparing has left, so that there is time for a look after the last of them."""
    plans = [_plan(contest, settings, task) for settings in group]
    left = max(deadline - time.monotonic(), LEAST_SECONDS)
    for one in plans:
        limit = left * STEPPING / len(group)
        one.settings = one.job.settings = one.settings.model_copy(update={"max_seconds": limit})
    jobs = [one.job for one in plans]
    stoppings = [EarlyStopping(job) for job in jobs]
    for record in learn(contest.base, jobs, TRUNK if _trunk_pays(contest, left) else 0.0):
        for stopping in stoppings:
            stopping.see(record)
        contest.see(record)
        if time.monotonic() > deadline + left:  # it takes twice as long as it may
            for job in jobs:
                job.stop("out of time")
    return list(zip(plans, stoppings, strict=True))


def _trunk_pays(contest: Contest, seconds: float) -> bool:
    """States of frozen layers are computed for all rows before the first step; not where that takes the time itself."""
    return len(contest.task.splits.train) * contest.question * contest.timetable.pace < seconds / 2


def _save(contest: Contest, found: Plan, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    save_adapter(found.job.adapter, folder, contest.base, found.origin)
