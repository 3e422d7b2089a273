"""Trials brought from one rung to the next: the ordinary training loop, halted where they are compared."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from capotasto.errors import SettingError
from capotasto.experiment.plan import plan
from capotasto.experiment.search.halving import look_number
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.start import runs_alone
from capotasto.experiment.suited import suited
from capotasto.experiment.tune import Keeper, Watch
from capotasto.records import read_lines
from capotasto.session import Base
from capotasto.training.fill import learn
from capotasto.training.job import Job

PAUSE = "waits at a rung"


@dataclass(frozen=True)
class Work:
    """A trial and how far it is to learn: up to its look at this share of its full length.

    folder: that of an ordinary run; a trial that has a checkpoint there goes on from it
    """

    folder: Path
    settings: TuneSettings
    share: float

    @property
    def name(self) -> str:
        """The trial's name."""
        return self.folder.name


@dataclass(frozen=True)
class Reached:
    """How far a trial has come.

    arrived: it has had the look it was to learn up to, or will learn no more
    ended:   why it learns no more; empty while it can
    loss:    the lowest of its looks, in nats per supervised token; infinite where there was none
    looks:   (step, loss) of each look at its held-out rows; held_out: their tokens
    seconds: of training, by its share of the mixed batches
    span:    when it was worked on, in seconds since the call
    """

    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    arrived: bool = True
    ended: str = ""
    failed: bool = False
    loss: float = math.inf
    held_out: int = 0
    span: tuple[float, float] = (0.0, 0.0)
    looks: list[tuple[int, float]] = field(default_factory=list)


def advance(
    base: Base,
    source: str,
    shared: Shared,
    work: Sequence[Work],
    deadline: float = math.inf,
    watch: Watch | None = None,
) -> dict[str, Reached]:
    """Train each trial up to its look, or as far as it comes before `deadline` (of `time.monotonic`).

    Trials that may share a batch learn together, the others one after another. How far each came is on the disk;
    those that there was no time for are not in the answer.
    """
    start = time.monotonic()
    work = [replace(one, settings=suited(base, one.settings)) for one in work]
    alone = [one for one in work if runs_alone(one.settings.method)]
    together = [one for one in work if one not in alone]
    reached: dict[str, Reached] = {}
    for group in filter(None, [together, *([one] for one in alone)]):
        if time.monotonic() <= deadline:
            reached |= _advance(base, source, shared, group, deadline, watch, start)
    return reached


def _advance(
    base: Base,
    source: str,
    shared: Shared,
    work: Sequence[Work],
    deadline: float,
    watch: Watch | None,
    start: float,
) -> dict[str, Reached]:
    began = time.monotonic() - start
    keepers, reached = _begun(base, source, work, shared)
    targets = {one.name: target(keepers[one.name].plan.job, one.share) for one in work if one.name in keepers}
    jobs = [keeper.plan.job for keeper in keepers.values()]
    for job in jobs:
        _go_on(job, targets[job.name])
    try:
        for record in learn(base, jobs, max((one.settings.trunk_gb for one in work), default=0.0)):
            keeper = keepers[record.job]
            keeper.see(record)
            if record.kind == "held_out" and record.step >= targets[record.job]:
                keeper.plan.job.stop(PAUSE)
            if watch is not None:
                watch(record)
            if time.monotonic() > deadline:
                for job in jobs:
                    job.stop(PAUSE)
        for keeper in keepers.values():
            _halt(keeper)
    finally:
        for keeper in keepers.values():
            keeper.close()
    span = began, time.monotonic() - start
    return reached | {name: _reached(keeper, targets[name], span) for name, keeper in keepers.items()}


def _begun(
    base: Base, source: str, work: Sequence[Work], shared: Shared
) -> tuple[dict[str, Keeper], dict[str, Reached]]:
    """The trials that can begin, and those whose settings this base cannot carry out: they have failed."""
    keepers, refused = {}, {}
    for one in work:
        try:
            keepers[one.name] = Keeper(base, plan(base, source, one.folder, one.settings, shared))
        except SettingError as error:
            refused[one.name] = Reached(ended=str(error), failed=True)
    return keepers, refused


def look_steps(job: Job) -> list[int]:
    """The steps after which the job looks at its held-out rows."""
    return [step for step in range(1, job.steps + 1) if step % job.look_every == 0 or step == job.steps]


def target(job: Job, share: float) -> int:
    """The step of the look at which a share of the job's full length is reached."""
    steps = look_steps(job)
    return steps[look_number(share, len(steps)) - 1]


def _go_on(job: Job, target: int) -> None:
    """A job that was halted learns on, unless it is there already."""
    if job.stopped == PAUSE:
        job.stopped = ""
    if job.step >= target:
        job.stop(PAUSE)


def _halt(keeper: Keeper) -> None:
    """Keep the job as one that can go on: the pause is no part of its state."""
    job = keeper.plan.job
    if job.failed:
        return
    if job.stopped == PAUSE:
        job.stopped = ""
    keeper.save()


def _reached(keeper: Keeper, target: int, span: tuple[float, float]) -> Reached:
    job = keeper.plan.job
    looks = [(line["step"], line["loss"]) for line in read_lines(keeper.log.path) if line["kind"] == "held_out"]
    lost = bool(looks) and not math.isfinite(keeper.stopping.best_loss)  # no look gave a number
    return Reached(
        step=job.step,
        steps=job.steps,
        seconds=round(job.seconds, 3),
        tokens=job.tokens,
        arrived=bool(job.stopped) or job.step >= target,
        ended=job.stopped or ("no held-out loss that is a number" if lost else ""),
        failed=job.failed or lost,
        loss=keeper.stopping.best_loss,
        held_out=sum(len(row.ids) for row in job.held_out),
        span=span,
        looks=looks,
    )
