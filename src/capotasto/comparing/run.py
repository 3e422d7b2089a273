"""`compare`: data in, every contender trained, asked and measured on the same rows, and an account of it out."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from capotasto.comparing.carrying import carry_out, contender
from capotasto.comparing.conclude import conclude
from capotasto.comparing.contest import Contest
from capotasto.comparing.curve import curve
from capotasto.comparing.drawing import drawn, notes
from capotasto.comparing.ledger import Ledger, clear
from capotasto.comparing.pace import measured
from capotasto.comparing.settings import AllSettings
from capotasto.comparing.side_effects import side_effects
from capotasto.comparing.timetable import Demand, Timetable, divide
from capotasto.comparing.wizard_settings import WizardSettings
from capotasto.data.dataset import hash_of
from capotasto.errors import SettingError
from capotasto.evaluate.metrics import LOWER_IS_BETTER
from capotasto.experiment import folder as run_folder
from capotasto.experiment.outcome import describe
from capotasto.experiment.reading import read_tasks
from capotasto.experiment.tasks import Task
from capotasto.records import content_hash
from capotasto.session import Base, load_base
from capotasto.types import StepRecord
from capotasto.version import __version__

CURVE, AUDIT = "learning curve", "audit"  # what follows the contenders
# Settings that do not change what a contender is measured by.
NEUTRAL = {"methods", "docs", "probes_dir", "resume", "force", *WizardSettings.model_fields}


@dataclass(frozen=True)
class Standing:
    """Where the comparison stands, for those who watch.

    name:    the contender that is at work, or what else is being done
    number:  its place among `of`
    seconds: spent before it, of `budget`
    """

    name: str
    number: int
    of: int
    seconds: float
    budget: float


Watch = Callable[[Standing, StepRecord | None], None]  # None: it begins


@dataclass(frozen=True)
class Comparison:
    """A finished comparison, with `report.html` in its folder. record: all of `compare.json`."""

    folder: Path
    record: dict[str, Any] = field(repr=False)

    def contender(self, name: str) -> dict[str, Any]:
        """The record of one contender."""
        return next(one for one in self.record["contenders"] if one["name"] == name)


def compare(
    base: Base | str, data: str | Path, *, out: str | Path, watch: Watch | None = None, **settings: Any
) -> Comparison:
    """Let every contender do the task of `data` on the same untouched rows, and keep all of it in the folder `out`.

    base:     a loaded base, or what `load_base` takes
    watch:    is shown where the comparison stands, with each step record of a training
    settings: see `CompareSettings` and `DataSettings`; an unknown one is an error
    Errors: settings and data that cannot be compared. A contender that fails is recorded, and the others go on.
    """
    chosen = AllSettings.build(settings, "compare")
    _check(chosen)
    loaded, folder = load_base(base) if isinstance(base, str) else base, Path(out)
    run_folder.check(folder, chosen.resume, chosen.force)
    task = _task(loaded, str(data), chosen)
    contest = Contest(loaded, str(data), chosen, task, folder)
    ledger = Ledger.open(folder, _identity(loaded, task, chosen), _facts(contest), chosen.resume)
    ledger.timetable = contest.timetable = ledger.timetable or _timetable(contest)
    if not chosen.resume:
        clear(folder)
    contest.task = drawn(task, contest.timetable, chosen.seed)
    ledger.facts["prompts"] = contest.prompts
    ledger.facts["notes"] = notes(task, contest.task, contest.prompts)
    for note in ledger.facts["notes"]:
        warnings.warn(note, stacklevel=2)
    ledger.facts["rows"] = [{"prompt": row.prompt, "wanted": row.completion} for row in contest.task.splits.test]
    _run(contest, ledger, watch or (lambda standing, record: None))
    ledger.write()
    return Comparison(folder, conclude(folder))


def _run(contest: Contest, ledger: Ledger, watch: Watch) -> None:
    """Carry out what is not done yet; then an audit and the learning curve with the time that is left."""
    budget, names = contest.settings.seconds, contest.settings.contenders
    steps = [*names, AUDIT, CURVE]
    for number, name in enumerate(steps, start=1):
        contest.done = ledger.done
        if ledger.curve if name == CURVE else name in contest.done and not _stale(contest, name):
            continue
        standing = Standing(name, number, len(steps), ledger.seconds, budget)
        contest.see = partial(watch, standing)
        watch(standing, None)
        if name == AUDIT:
            ledger.facts["audit"] = side_effects(contest, ledger.facts["audit"], budget - ledger.seconds)
            ledger.write()
        elif name == CURVE:
            ledger.curve = curve(contest, lambda: budget - ledger.seconds)
        else:
            ledger.curve = []  # the best may be others now
            ledger.take(carry_out(contest, name))


def _stale(contest: Contest, name: str) -> bool:
    return contender(name).stale(contest, contest.done[name]["settings"])


def _check(settings: AllSettings) -> None:
    """Errors: documents that are not there."""
    docs = settings.docs
    if docs is not None and "://" not in docs and not Path(docs).exists():
        raise SettingError(f"no documents at --docs {docs}; check the path, or leave --docs out")


def _task(base: Base, source: str, settings: AllSettings) -> Task:
    """The data set and its rows. Errors: a base that writes nothing, a side without rows."""
    if base.is_encoder:
        raise SettingError(
            f"{base.name} is an encoder, which cannot be prompted; compare on a base that writes, such as smollm2-135m,"
            " or train a head on this one with capo tune"
        )
    task = read_tasks(source, settings.training())[0]
    if not task.splits.val:
        raise SettingError("contenders make their choices on validation rows and there are none; set --val above 0")
    return task


def _identity(base: Base, task: Task, settings: AllSettings) -> str:
    """What two calls share if one may go on where the other stopped."""
    rows = [task.dataset.hash, *(hash_of(side) for side in (task.splits.val, task.splits.test))]
    decisive = settings.model_dump(exclude=NEUTRAL)
    return content_hash([base.fingerprint, *rows, str(sorted(decisive.items()))])


def _timetable(contest: Contest) -> Timetable:
    """How the budget is divided among those contenders that can take part."""
    every = {name: contender(name) for name in contest.settings.contenders}
    fit = [own for own in every.values() if not own.unfit(contest)]
    if not fit:
        why = "; ".join(f"{name}: {own.unfit(contest)}" for name, own in every.items())
        raise SettingError(f"none of these contenders can take part ({why}); name others with --methods")
    demands = [Demand((contest.question + own.added(contest)) * own.passes, own.learns) for own in fit]
    splits, step = contest.task.splits, contest.settings.training().batch_tokens
    pace, writing = measured(contest)
    return divide(contest.settings.seconds, pace, demands, len(splits.test), len(splits.val), step, writing)


def _facts(contest: Contest) -> dict[str, Any]:
    dataset = contest.task.dataset
    return {
        "capotasto": __version__,
        "base": describe(contest.base),
        "data": {
            "path": dataset.path,
            "hash": dataset.hash,
            "shape": dataset.shape,
            "rows": contest.task.splits.sizes,
            "labels": dataset.labels,
        },
        "docs": contest.settings.docs,
        "metric": contest.metric,
        "lower_is_better": contest.metric in LOWER_IS_BETTER,
        "settings": contest.settings.model_dump(),
        "budget_seconds": contest.settings.seconds,
        "audit": None,
        "wizard": contest.settings.answers,
    }
