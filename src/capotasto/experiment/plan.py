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
from capotasto.experiment.objective import asked, resolve
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.start import beneath, default_init, example_ids, takes_init, untrained
from capotasto.methods.adapter import Adapter
from capotasto.methods.stacked import stack
from capotasto.objectives import encode
from capotasto.objectives.heads import check_labels, head_of
from capotasto.records import file_hash, read_json, write_json
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.training.job import Job
from capotasto.types import Encoded, Example

START = "start.json"


@dataclass
class Plan:
    """One adapter to be made: where, from which rows, by which settings.

    rule: how the learning rate was chosen, in words
    objective, reason: what is minimised, and why
    """

    folder: Path
    settings: TuneSettings
    dataset: Dataset
    splits: Splits
    renderer: Renderer
    job: Job
    identity: str
    rule: str
    objective: str
    reason: str

    @property
    def name(self) -> str:
        """The adapter's name."""
        return self.job.name


def plan(base: Base, source: str, folder: Path, settings: TuneSettings, shared: Shared | None = None) -> Plan:
    """Read, split and encode the data, and make the adapter's start; a resumed run takes the start it had.

    shared: what other plans over the same data have read and encoded already
    """
    shared = shared or Shared()
    under = beneath(base, settings)
    virtual = settings.virtual + (0 if under is None else under.tokens)
    settings.check_context(base.context, virtual)
    run_folder.check(folder, settings.resume, settings.force)
    if settings.resume:
        run_folder.sweep(folder)
    dataset, splits = shared.once("splits", source, settings, lambda: read_splits(source, settings))
    objective, reason = resolve(settings, dataset.shape)
    room = settings.max_length if base.context is None else min(settings.max_length, base.context - virtual)
    placement = settings.placement if under is None or under.embeds() is None else under.placement
    renderer = Renderer(base.tokenizer, placement, room)
    identity = identify(base, dataset, splits, settings)
    init = _earlier(folder, settings, identity)
    if init is None:
        init = settings.init or shared.once(
            f"init {settings.tokens} {room} {settings.stack_on}",
            source,
            settings,
            lambda: _chosen(base, settings, dataset, splits.train, renderer, under),
        )
    adapter = _adapter(base, folder, settings, dataset, splits.train, renderer, identity, init, objective, under)
    _check_classes(adapter, dataset)
    counting = _counting(splits.train, source)
    if objective == "regress":
        _scaled(adapter, counting, dataset)
    rows, held_out = shared.once(
        f"rows {room} {placement} {objective} {adapter.classes()}",
        source,
        settings,
        lambda: [_encoded(renderer, side, adapter) for side in (counting, splits.val)],
    )
    rate, rule = (settings.lr, "as set") if settings.lr is not None else adapter.rate(base)
    job = Job(adapter.name, adapter, rows, held_out, settings, rate)
    return Plan(folder, settings, dataset, splits, renderer, job, identity, rule, objective, reason)


def _encoded(renderer: Renderer, examples: Sequence[Example], adapter: Adapter) -> list[Encoded]:
    """As the adapter learns them: with answers to be written, or with answers for its head."""
    return [replace(row, weight=one.weight) for one in examples for row in encode(renderer, one, adapter)]


def _scaled(adapter: Adapter, examples: Sequence[Example], dataset: Dataset) -> None:
    """Give the head the scale of the training rows' numbers."""
    head = head_of(adapter)
    assert head is not None
    head.standardise([example.scores or () for example in examples], dataset.names, dataset.path)


def _counting(examples: Sequence[Example], source: str) -> list[Example]:
    """The rows that count in training. Errors: none of them does."""
    found = [example for example in examples if example.weight]
    if not found:
        raise DataError(f"every training row of {source} has the weight 0; give some of them more")
    return found


def _check_classes(adapter: Adapter, dataset: Dataset) -> None:
    """Errors: labels that the adapter's head, trained before on other data, does not know."""
    classes = adapter.classes()
    if classes and not (dataset.names and set(dataset.names) <= set(classes)):
        found = ", ".join(dataset.names) or "no labels"
        raise DataError(f"the head of {adapter.name} knows {', '.join(classes)}, and {dataset.path} has {found}")


def identify(base: Base, dataset: Dataset, splits: Splits, settings: TuneSettings) -> str:
    """Hash of what makes a run the run it is: base, data and settings."""
    hashes = [dataset.hash, hash_of(splits.val), hash_of(splits.test)]
    if settings.stack_on is not None:
        hashes += [file_hash(path) for path in sorted(Path(settings.stack_on).rglob("adapter_model.safetensors"))]
    return run_folder.identity(base.fingerprint, hashes, settings.model_dump())


def read_splits(source: str, settings: TuneSettings) -> tuple[Dataset, Splits]:
    """The rows of each side. Validation and test rows that stand in training rows too are refused."""
    objective = asked(settings)
    dataset = data.load(source, settings.map, settings.on_bad_row, settings.max_rows, objective=objective)
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


def _earlier(folder: Path, settings: TuneSettings, identity: str) -> str | None:
    """What a resumed run started from, as it wrote it down, so that it need not be found again."""
    if not settings.resume or not (folder / START).exists():
        return None
    note = read_json(folder / START)
    return note["init"] if note["identity"] == identity else None


def _adapter(
    base: Base,
    folder: Path,
    settings: TuneSettings,
    dataset: Dataset,
    examples: Sequence[Example],
    renderer: Renderer,
    identity: str,
    init: str,
    objective: str,
    under: Adapter | None,
) -> Adapter:
    """The untrained adapter, which starts from `init`."""
    name = settings.name or folder.resolve().name
    facts: dict[str, Any] = {"fingerprint": base.fingerprint, "dialogue": not examples[0].plain}
    start = {"chosen": "by trial" if settings.init is None else "as set"} if init else {}
    if init.partition(":")[0] == "examples":
        facts["ids"] = example_ids(init, examples, renderer, settings.tokens, settings.seed)
    begun = settings.model_copy(update={"init": init or None, "objective": objective})
    over = untrained(base, begun, dataset.names, settings.seed, under, name=name, start=start, **facts)
    adapter = stack(base, under, over)
    if settings.force and not settings.resume:
        run_folder.clear(folder)
    write_json(folder / START, {"identity": identity, "init": init})
    return adapter


def _chosen(
    base: Base,
    settings: TuneSettings,
    dataset: Dataset,
    examples: Sequence[Example],
    renderer: Renderer,
    under: Adapter | None,
) -> str:
    """What virtual tokens start from; empty for methods without them."""
    if not takes_init(settings.method):
        return ""
    rows = [renderer.encode(example) for example in examples]
    return default_init(base, examples, rows, dataset.labels, settings.tokens, settings.seed, under)
