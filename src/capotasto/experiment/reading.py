"""The rows of a run: read from its files, divided, and checked against each other."""

from collections.abc import Sequence

from capotasto import data
from capotasto.data import Dataset, Splits
from capotasto.data.split import check_leakage, distinct
from capotasto.errors import DataError, SettingError
from capotasto.experiment.objective import asked
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tasks import Task, divided, task_files, without_held_out
from capotasto.objectives.heads import check_labels
from capotasto.types import Example


def read_tasks(source: str, settings: TuneSettings) -> list[Task]:
    """The data set of the run and those that are mixed in, in this order."""
    tasks = [
        Task(name, *read_splits(file.data, settings.model_copy(update={"map": file.map})), file.weight)
        for name, file in task_files(source, settings).items()
    ]
    return without_held_out(tasks)


def read_splits(source: str, settings: TuneSettings) -> tuple[Dataset, Splits]:
    """The rows of each side. Validation and test rows that stand in training rows too are refused."""
    dataset = data.load(
        source,
        settings.map,
        settings.on_bad_row,
        settings.max_rows,
        objective=asked(settings),
        number=settings.curriculum_column,
    )
    val = 0.0 if settings.val_data else settings.val
    test = 0.0 if settings.test_data else settings.test
    splits = divided(dataset, val, test, settings.seed)
    given = {
        side: _given(path, side, dataset, splits.train, settings)
        for side, path in (("val", settings.val_data), ("test", settings.test_data))
        if path
    }
    if not given.get("test", splits.test):
        raise SettingError(f"no test rows of {source} to judge the adapter on; set --test above 0 or give --test-data")
    sides = splits.train, given.get("val", splits.val), given.get("test", splits.test)
    return dataset, Splits(*sides) if settings.duplicates == "keep" else Splits(*map(distinct, sides))


def _given(path: str, side: str, dataset: Dataset, train: Sequence[Example], settings: TuneSettings) -> list[Example]:
    """Rows of a file of their own, read as the training file was read."""
    mapping, objective = settings.map or dict(dataset.mapping), asked(settings)
    other = data.load(path, mapping, settings.on_bad_row, least_labels=1, objective=objective)
    shared = check_leakage(train, other.examples)
    if shared:
        first = f"{shared[0][0]} and {shared[0][1]}"
        raise DataError(
            f"--{side}-data {path} shares {len(shared)} rows with the training rows (first: {first});"
            " scores on them would mean nothing: remove them from one of the files"
        )
    check_labels(other.examples, dataset.names, "training")
    return other.examples
