"""The tasks of a run: the data set it names and those that are mixed in, each divided for itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from capotasto.data import Dataset, Splits, split
from capotasto.data.split import leak_key
from capotasto.errors import DataError, SettingError, nearest
from capotasto.experiment.mixture_settings import TaskFile, task_name
from capotasto.experiment.objective import resolve
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import method_of
from capotasto.tokens.mixture import Mixture, mixing_rates
from capotasto.tokens.replay import GENERAL


@dataclass(frozen=True)
class Task:
    """One data set of a run.

    weight: factor of its share of the rows
    """

    name: str
    dataset: Dataset
    splits: Splits
    weight: float = 1.0


def task_files(source: str, settings: TuneSettings) -> dict[str, TaskFile]:
    """Name → file, the run's own first. Errors: names that cannot be, weights of tasks that are not there."""
    first, further = task_name(source), settings.mix or {}
    if first in further:
        raise SettingError(f"{source} and --mix {further[first].data} are both called {first!r}; write --mix FILE=NAME")
    files = {first: TaskFile(data=source, map=settings.map), **further}
    weights = settings.mix_weights or {}
    for name in [name for name in weights if name not in files]:
        raise SettingError(f"--mix-weights names no task of this run: {name!r}; {nearest(name, files)}")
    for name in files if further else ():
        if not name or name.startswith(".") or Path(name).name != name:
            raise SettingError(f"a task called {name!r} can have no folder; name it otherwise with --mix FILE=NAME")
    if further and settings.replay and GENERAL in files:
        raise SettingError(f"a task cannot be called {GENERAL!r} beside --replay; name it otherwise with FILE=NAME")
    if further and (settings.val_data or settings.test_data):
        raise SettingError("--val-data and --test-data are for one task and --mix makes several; leave them out")
    return {
        name: file.model_copy(update={"weight": file.weight * weights.get(name, 1.0)}) for name, file in files.items()
    }


def divided(dataset: Dataset, val: float, test: float, seed: int) -> Splits:
    """The rows of each side. Errors: as `data.split`, with the file, which is one of several."""
    try:
        return split(dataset.examples, val, test, seed)
    except DataError as error:
        raise DataError(f"{dataset.path}: {error}") from None


def without_held_out(tasks: Sequence[Task]) -> list[Task]:
    """The tasks without those training rows whose prompt another task keeps for validation or test.

    Errors: a task that has no training row left.
    """
    held = [{leak_key(row) for row in (*task.splits.val, *task.splits.test)} for task in tasks]
    found = []
    for number, task in enumerate(tasks):
        elsewhere = set().union(*held[:number], *held[number + 1 :])
        train = [row for row in task.splits.train if leak_key(row) not in elsewhere]
        if not train:
            raise DataError(
                f"every training row of task {task.name!r} ({task.dataset.path}) asks what another task keeps for its"
                " validation or test rows; leave one of them out"
            )
        found.append(replace(task, splits=replace(task.splits, train=train)))
    return found


def all_names(tasks: Sequence[Task]) -> list[str]:
    """What a head for all tasks answers in: their labels, sorted, or the columns of their numbers."""
    if len(tasks) == 1:
        return tasks[0].dataset.names
    return sorted({name for task in tasks for name in task.dataset.names})


def joined(tasks: Sequence[Task]) -> Splits:
    """The rows of all tasks, side by side and task by task."""
    sides = ([row for task in tasks for row in getattr(task.splits, side)] for side in ("train", "val", "test"))
    return Splits(*sides)


def mixture(tasks: Sequence[Task], sizes: Sequence[int], settings: TuneSettings) -> Mixture | None:
    """How the tasks' training rows, so many of each, are mixed; None for a single task."""
    if len(tasks) == 1:
        return None
    weights = [task.weight for task in tasks]
    rates = mixing_rates(sizes, settings.mix_by, settings.mix_temperature, weights)
    return Mixture(tuple(sizes), tuple(rates), settings.seed)


def check_kinds(tasks: Sequence[Task], settings: TuneSettings, objective: str) -> None:
    """Errors: a method for several tasks, and there is one; a head, and tasks that it cannot answer alike."""
    method = settings.method
    if len(tasks) == 1 and any(method_of(name).tasked for name in method.split("+")):
        raise SettingError(
            f"method {method} shares what it learns between tasks and there is one task only: --method prompt does the"
            " same for it; or name further data with --mix"
        )
    if len(tasks) == 1 or objective == "lm":
        return
    first = tasks[0].dataset
    for task in tasks:
        own = resolve(settings, task.dataset.shape)[0] if task.dataset.names else ""
        if own != objective or (own == "regress" and task.dataset.names != first.names):
            has = ", ".join(task.dataset.names) or "no labels"
            raise DataError(
                f"task {task.name!r} ({task.dataset.path}) has {has}, and method {method} learns to {objective}"
                f" as from {first.path}; leave the task out, or take another method"
            )
