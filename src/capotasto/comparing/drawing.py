"""The rows that a comparison uses: all of them, or as many as there is time for, drawn by its seed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from capotasto.comparing.timetable import Timetable
from capotasto.experiment.tasks import Task


def drawn(task: Task, timetable: Timetable, seed: int) -> Task:
    """The task with the test rows that are judged, in the order of the file, and the validation rows, the first of each
    label before the others: choices by a few rows of one label would be choices for that label."""
    splits = task.splits
    test = [splits.test[i] for i in sorted(_some(len(splits.test), timetable.test, seed))]
    val = [splits.val[i] for i in _some(len(splits.val), len(splits.val), seed)]
    first = {row.label: number for number, row in reversed(list(enumerate(val)))}
    val = [val[i] for i in sorted(range(len(val)), key=lambda i: (first[val[i].label] != i, i))]
    return replace(task, splits=replace(splits, val=val[: timetable.val], test=test))


def fewer(task: Task, count: int, seed: int) -> Task:
    """The task with so many of its training rows."""
    rows = task.splits.train
    return replace(task, splits=replace(task.splits, train=[rows[i] for i in _some(len(rows), count, seed)]))


def notes(task: Task, used: Task, prompts: Sequence[int] | None) -> list[str]:
    """What a reader has to know of the test rows, a sentence each. prompts: as in `Contest`"""
    there, judged = len(task.splits.test), used.splits.test
    found = []
    if len(judged) < there:
        found.append(f"{len(judged)} of {there} test rows were judged, drawn by the seed, because of the budget.")
    if prompts is not None and (different := len(set(prompts))) < len(judged):
        found.append(
            f"The {len(judged)} test rows have {different} different prompts: rows that ask the same get one answer and"
            " count as one."
        )
    if missing := [label for label in task.dataset.labels if label not in {row.label for row in judged}]:
        found.append(f"No test row has the label {_listed(missing)}, so nothing is said of it.")
    return found


def _some(count: int, most: int, seed: int) -> list[int]:
    return np.random.default_rng([seed, 4]).permutation(count)[:most].tolist()


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = " or ".join(repr(name) for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
