"""From data and settings to a job that is ready to be trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from capotasto import data
from capotasto.data import Dataset, Splits
from capotasto.data.dataset import hash_of
from capotasto.data.split import check_leakage, distinct
from capotasto.errors import DataError, SettingError
from capotasto.experiment import folder as run_folder
from capotasto.experiment.difficulty import curriculum
from capotasto.experiment.replay import GeneralText, load_replay, read_replay
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import default_init, takes_init, untrained
from capotasto.experiment.tasks import (
    Task,
    all_labels,
    check_kinds,
    divided,
    joined,
    mixture,
    task_files,
    without_held_out,
)
from capotasto.methods.adapter import Adapter
from capotasto.objectives.classify import encode as encode_class
from capotasto.records import read_json, write_json
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.tokens.replay import Replay
from capotasto.training.job import Job
from capotasto.training.order import Order
from capotasto.types import Encoded, Example

START = "start.json"


@dataclass
class Plan:
    """One adapter to be made: where, from which rows, by which settings.

    rule:    how the learning rate was chosen, in words
    general: text that is replayed against forgetting
    """

    folder: Path
    settings: TuneSettings
    tasks: list[Task]
    renderer: Renderer
    job: Job
    identity: str
    rule: str
    general: GeneralText | None = None

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self.job.name

    @property
    def rows(self) -> list[Encoded]:
        """The training rows of the tasks, without general text."""
        return self.job.rows[: len(self.job.rows) - (len(self.general.train) if self.general else 0)]

    @property
    def rates(self) -> dict[str, float]:
        """The share of each task among the training rows."""
        mixed = self.job.order.mixture
        return dict(zip((task.name for task in self.tasks), mixed.rates if mixed else (1.0,), strict=True))

    @property
    def dataset(self) -> Dataset:
        """The data set that the run names first."""
        return self.tasks[0].dataset

    @property
    def splits(self) -> Splits:
        """The rows of all tasks."""
        return joined(self.tasks)


def plan(base: Base, source: str, folder: Path, settings: TuneSettings) -> Plan:
    """Read, split and encode the data, and make the adapter's start; a resumed run takes the start it had."""
    settings.check_context(base.context)
    run_folder.check(folder, settings.resume, settings.force)
    if settings.resume:
        run_folder.sweep(folder)
    tasks = read_tasks(source, settings)
    check_kinds(tasks, settings.method)
    room = settings.max_length if base.context is None else min(settings.max_length, base.context - settings.virtual)
    renderer = Renderer(base.tokenizer, settings.placement, room)
    general = read_replay(settings, tasks, renderer)
    identity = identify(base, tasks, settings)
    adapter = _adapter(base, folder, settings, tasks, renderer, identity)
    rows, held_out = (_encoded(renderer, tasks, side, adapter) for side in ("train", "val"))
    rate, rule = (settings.lr, "as set") if settings.lr is not None else adapter.rate(base)
    paced = curriculum(base, renderer, folder, tasks, settings, identity)
    texts = general.train if general else []
    replay = Replay(range(len(rows), len(rows) + len(texts)), settings.replay_share, settings.seed) if texts else None
    lengths = [len(row.ids) for row in (*rows, *texts)]
    order = Order(lengths, settings, mixture(tasks, settings), paced, replay)
    job = Job(adapter.name, adapter, rows + texts, held_out, settings, rate, order)
    return Plan(folder, settings, tasks, renderer, job, identity, rule, general)


def _encoded(renderer: Renderer, tasks: Sequence[Task], side: str, adapter: Adapter) -> list[Encoded]:
    """As the adapter learns them: with answers to be written, or with classes for its head."""
    classes = adapter.classes()
    found: list[Encoded] = []
    for task in tasks:
        name = task.name if len(tasks) > 1 else ""
        for example in getattr(task.splits, side):
            row = encode_class(renderer, example, classes) if classes else renderer.encode(example)
            found.append(replace(row, task=name))
    return found


def identify(base: Base, tasks: Sequence[Task], settings: TuneSettings) -> str:
    """Hash of what makes a run the run it is: base, data and settings."""
    hashes = [
        part for task in tasks for part in (task.dataset.hash, hash_of(task.splits.val), hash_of(task.splits.test))
    ]
    numbers = [str(row.number) for task in tasks for row in task.splits.train if row.number is not None]
    general = [load_replay(settings.replay, settings).hash] if settings.replay else []
    return run_folder.identity(base.fingerprint, hashes + numbers + general, settings.model_dump())


def read_tasks(source: str, settings: TuneSettings) -> list[Task]:
    """The data set of the run and those that are mixed in, in this order."""
    tasks = [
        Task(name, *read_splits(file.data, settings.model_copy(update={"map": file.map})), file.weight)
        for name, file in task_files(source, settings).items()
    ]
    return without_held_out(tasks)


def read_splits(source: str, settings: TuneSettings) -> tuple[Dataset, Splits]:
    """The rows of each side. Validation and test rows that stand in training rows too are refused."""
    dataset = data.load(source, settings.map, settings.on_bad_row, settings.max_rows, number=settings.curriculum_column)
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
    other = data.load(path, settings.map or dict(dataset.mapping), settings.on_bad_row, least_labels=1)
    shared = check_leakage(train, other.examples)
    if shared:
        first = f"{shared[0][0]} and {shared[0][1]}"
        raise DataError(
            f"--{side}-data {path} shares {len(shared)} rows with the training rows (first: {first});"
            " scores on them would mean nothing: remove them from one of the files"
        )
    unseen = sorted({e.label for e in other.examples if e.label} - set(dataset.labels)) if dataset.labels else []
    if unseen:
        raise DataError(f"--{side}-data {path} has labels that no training row has: {', '.join(unseen)}")
    return other.examples


def _adapter(
    base: Base,
    folder: Path,
    settings: TuneSettings,
    tasks: Sequence[Task],
    renderer: Renderer,
    identity: str,
) -> Adapter:
    """The untrained adapter. Its start is written down, so that a resumed run need not find it again."""
    init, labels, examples = None, all_labels(tasks), joined(tasks).train
    if settings.resume and (folder / START).exists():
        note = read_json(folder / START)
        init = note["init"] if note["identity"] == identity else None
    if init is None:
        init = settings.init or _chosen(base, settings, labels, examples, renderer)
    name = settings.name or folder.resolve().name
    facts: dict[str, Any] = {"fingerprint": base.fingerprint, "dialogue": _dialogue(examples)}
    start = {"chosen": "by trial" if settings.init is None else "as set"} if init else {}
    begun = settings.model_copy(update={"init": init or None})
    adapter = untrained(base, begun, labels, settings.seed, name=name, start=start, **facts)
    adapter.take_tasks([task.name for task in tasks])
    for task in tasks:
        if specialist := adapter.specialists().get(task.name):
            specialist.dialogue = _dialogue(task.splits.train)
    if settings.force and not settings.resume:
        run_folder.clear(folder)
    write_json(folder / START, {"identity": identity, "init": init})
    return adapter


def _chosen(
    base: Base, settings: TuneSettings, labels: list[str], examples: Sequence[Example], renderer: Renderer
) -> str:
    """What virtual tokens start from; empty for methods without them."""
    if not takes_init(settings.method):
        return ""
    rows = [renderer.encode(example) for example in examples]
    return default_init(base, examples, rows, labels, settings.tokens, settings.seed)


def _dialogue(examples: Sequence[Example]) -> bool | None:
    """True for questions and answers, False for plain text, None where tasks of both kinds are mixed."""
    kinds = {not example.plain for example in examples}
    return kinds.pop() if len(kinds) == 1 else None
