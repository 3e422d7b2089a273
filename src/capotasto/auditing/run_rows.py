"""The rows that a finished run learnt from, and those it kept apart, read again from its data file."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto.errors import AdapterError, DataError
from capotasto.experiment.folder import RUN
from capotasto.experiment.reading import read_tasks
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tasks import Task
from capotasto.methods.adapter import Adapter
from capotasto.records import read_json
from capotasto.session import Base
from capotasto.types import Encoded, Example


@dataclass(frozen=True, slots=True)
class RunRow:
    """One row of a run, and the task of a mixture that it belongs to; empty where there is one task only."""

    example: Example
    task: str = ""


@dataclass(frozen=True, slots=True)
class RunRows:
    """Of a run.

    data:       its file, of several the first
    train:      what was learnt
    held_out:   the test rows, which decided nothing
    max_length: tokens of a row at most
    most:       rows of each side that are asked at most; None: as many as each probe asks
    """

    data: str
    train: list[RunRow]
    held_out: list[RunRow]
    max_length: int
    most: int | None = None

    def drawn(self, usual: int, seed: int) -> tuple[list[RunRow], list[RunRow]]:
        """Of what was learnt and of what was kept apart, as many as a probe usually asks, or fewer."""
        most = usual if self.most is None else min(usual, self.most)
        return some(self.train, most, seed), some(self.held_out, most, seed)


def read_run(folder: Path) -> RunRows:
    """The rows of the run in this folder.

    Errors: no run is there, or its data are no longer what they were.
    """
    if not (folder / RUN).exists():
        raise AdapterError(f"no run at {folder}: {RUN} is missing; name the folder that `capo tune` wrote")
    record = read_json(folder / RUN)
    settings = TuneSettings.build(record["settings"], str(folder / RUN))
    tasks = read_tasks(record["data"]["path"], settings)
    several = len(tasks) > 1
    for task in tasks:
        _check_unchanged(folder, task, record["tasks"][task.name]["data"] if several else record["data"])
    train, held_out = (
        [RunRow(example, task.name if several else "") for task in tasks for example in getattr(task.splits, side)]
        for side in ("train", "test")
    )
    return RunRows(record["data"]["path"], train, held_out, settings.max_length)


def _check_unchanged(folder: Path, task: Task, kept: dict[str, Any]) -> None:
    if task.dataset.hash != kept["hash"]:
        raise DataError(
            f"{kept['path']} has changed since {folder} was trained on it, so that nobody knows which of its rows were"
            " learnt; put the old file back, or train again"
        )


def some(rows: Sequence[RunRow], most: int, seed: int = 0) -> list[RunRow]:
    """As many of the different rows, at random where there are more."""
    different = list({row.example.turns: row for row in rows}.values())
    return different if len(different) <= most else random.Random(seed).sample(different, most)


def room(base: Base, adapter: Adapter, max_length: int) -> int:
    """Tokens that a row may have beside the adapter's virtual ones."""
    return max_length if base.context is None else min(max_length, base.context - adapter.tokens)


def encode(base: Base, rows: Sequence[RunRow], adapter: Adapter | None, length: int) -> list[Encoded]:
    """The rows as this adapter, or the bare base, is asked about them; of a long text its first window."""
    return [base.encode(row.example, adapter and adapter.of_task(row.task), length) for row in rows]


def carried(rows: Sequence[RunRow], adapter: Adapter | None) -> list[Adapter | None]:
    """What each row carries."""
    return [adapter and adapter.of_task(row.task) for row in rows]
