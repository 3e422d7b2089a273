"""From data and settings to a job that is ready to be trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto import data
from capotasto.data import Dataset, Splits
from capotasto.data.dataset import hash_of
from capotasto.data.split import check_leakage, distinct
from capotasto.errors import DataError, SettingError
from capotasto.experiment import folder as run_folder
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import default_init, takes_init, untrained
from capotasto.methods.adapter import Adapter
from capotasto.objectives.classify import encode as encode_class
from capotasto.records import read_json, write_json
from capotasto.session import Base
from capotasto.tokens.encoder import renderer_of, writes_nothing
from capotasto.tokens.render import Renderer
from capotasto.training.job import Job
from capotasto.types import Encoded, Example

START = "start.json"


@dataclass
class Plan:
    """One adapter to be made: where, from which rows, by which settings.

    rule: how the learning rate was chosen, in words
    """

    folder: Path
    settings: TuneSettings
    dataset: Dataset
    splits: Splits
    renderer: Renderer
    job: Job
    identity: str
    rule: str

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self.job.name


def plan(base: Base, source: str, folder: Path, settings: TuneSettings) -> Plan:
    """Read, split and encode the data, and make the adapter's start; a resumed run takes the start it had."""
    settings.check_context(base.context)
    run_folder.check(folder, settings.resume, settings.force)
    if settings.resume:
        run_folder.sweep(folder)
    dataset, splits = read_splits(source, settings)
    if base.is_encoder and not dataset.labels:
        raise writes_nothing(source)
    room = settings.max_length if base.context is None else min(settings.max_length, base.context - settings.virtual)
    renderer = renderer_of(base, settings.placement, room)
    identity = identify(base, dataset, splits, settings)
    adapter = _adapter(base, folder, settings, dataset, splits.train, renderer, identity)
    rows, held_out = (encoded(renderer, side, adapter) for side in (splits.train, splits.val))
    rate, rule = (settings.lr, "as set") if settings.lr is not None else adapter.rate(base)
    job = Job(adapter.name, adapter, rows, held_out, settings, rate)
    return Plan(folder, settings, dataset, splits, renderer, job, identity, rule)


def encoded(renderer: Renderer, examples: Sequence[Example], adapter: Adapter) -> list[Encoded]:
    """As the adapter learns them: with answers to be written, or with classes for its head."""
    classes = adapter.classes()
    if classes:
        return [encode_class(renderer, example, classes) for example in examples]
    return [renderer.encode(example) for example in examples]


def identify(base: Base, dataset: Dataset, splits: Splits, settings: TuneSettings) -> str:
    """Hash of what makes a run the run it is: base, data and settings."""
    hashes = [dataset.hash, hash_of(splits.val), hash_of(splits.test)]
    return run_folder.identity(base.fingerprint, hashes, settings.model_dump())


def read_splits(source: str, settings: TuneSettings) -> tuple[Dataset, Splits]:
    """The rows of each side. Validation and test rows that stand in training rows too are refused."""
    dataset = data.load(source, settings.map, settings.on_bad_row, settings.max_rows)
    val = 0.0 if settings.val_data else settings.val
    test = 0.0 if settings.test_data else settings.test
    splits = data.split(dataset.examples, val, test, settings.seed)
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
    dataset: Dataset,
    examples: Sequence[Example],
    renderer: Renderer,
    identity: str,
) -> Adapter:
    """The untrained adapter. Its start is written down, so that a resumed run need not find it again."""
    init = None
    if settings.resume and (folder / START).exists():
        note = read_json(folder / START)
        init = note["init"] if note["identity"] == identity else None
    if init is None:
        init = settings.init or _chosen(base, settings, dataset, examples, renderer)
    name = settings.name or folder.resolve().name
    facts: dict[str, Any] = {"fingerprint": base.fingerprint, "dialogue": not examples[0].plain}
    by_itself = "by rule" if base.is_encoder else "by trial"
    start = {"chosen": by_itself if settings.init is None else "as set"} if init else {}
    begun = settings.model_copy(update={"init": init or None})
    adapter = untrained(base, begun, dataset.labels, settings.seed, name=name, start=start, **facts)
    if settings.force and not settings.resume:
        run_folder.clear(folder)
    write_json(folder / START, {"identity": identity, "init": init})
    return adapter


def _chosen(
    base: Base, settings: TuneSettings, dataset: Dataset, examples: Sequence[Example], renderer: Renderer
) -> str:
    """What virtual tokens start from; empty for methods without them. Before its head has learnt, no trial tells
    anything about an encoder, and the class names are taken."""
    if not takes_init(settings.method):
        return ""
    if base.is_encoder:
        return "labels"
    rows = [renderer.encode(example) for example in examples]
    return default_init(base, examples, rows, dataset.labels, settings.tokens, settings.seed)
