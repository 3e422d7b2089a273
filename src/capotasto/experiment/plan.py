"""From data and settings to a job that is ready to be trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from capotasto.data import Dataset, Splits
from capotasto.data.dataset import hash_of
from capotasto.errors import DataError, SettingError
from capotasto.experiment import folder as run_folder
from capotasto.experiment.beginning import begun, chosen_init, scaled
from capotasto.experiment.difficulty import curriculum
from capotasto.experiment.objective import resolve
from capotasto.experiment.reading import read_tasks
from capotasto.experiment.replay import GeneralText, load_replay, read_replay
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.start import beneath
from capotasto.experiment.tasks import Task, check_kinds, joined, mixture
from capotasto.methods.adapter import Adapter
from capotasto.objectives import encode
from capotasto.objectives.heads import head_of
from capotasto.records import file_hash
from capotasto.session import Base
from capotasto.tokens.curriculum import Curriculum
from capotasto.tokens.encoder import renderer_of, writes_nothing
from capotasto.tokens.render import Renderer
from capotasto.tokens.replay import Replay
from capotasto.training.job import Job
from capotasto.training.order import Order
from capotasto.types import Encoded, Example
from capotasto.version import __version__

Learnt = list[tuple[Example, Encoded]]  # rows as an adapter learns them, each with the example it comes from


@dataclass
class Plan:
    """One adapter to be made: where, from which rows, by which settings.

    rule:    how the learning rate was chosen, in words
    objective, reason: what is minimised, and why
    general: text that is replayed against forgetting
    """

    folder: Path
    settings: TuneSettings
    tasks: list[Task]
    renderer: Renderer
    job: Job
    identity: str
    rule: str
    objective: str
    reason: str
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

    @property
    def origin(self) -> dict[str, Any]:
        """What the adapter's manifest says of how it came about."""
        data = {"path": self.dataset.path, "hash": self.dataset.hash}
        return {"capotasto": __version__, "data": data, "settings": self.settings.model_dump()}


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
    tasks = shared.once("tasks", source, settings, lambda: read_tasks(source, settings))
    if base.is_encoder and not tasks[0].dataset.names:
        raise writes_nothing(source)
    if base.is_encoder and (settings.curriculum == "loss" or settings.replay):
        raise SettingError(f"{base.name} is an encoder, which writes nothing: leave --curriculum loss and --replay out")
    objective, reason = resolve(settings, tasks[0].dataset.shape)
    check_kinds(tasks, settings, objective)
    told = head_of(under)
    if objective == "lm" and told is not None and told.objective != "classify":
        objective, reason = told.objective, f"as the head of {settings.stack_on}"
    room = settings.max_length if base.context is None else min(settings.max_length, base.context - virtual)
    placement = settings.placement if under is None or under.embeds() is None else under.placement
    renderer = renderer_of(base, placement, room)
    text = shared.once("replay", source, settings, lambda: load_replay(settings)) if settings.replay else None
    general = read_replay(settings, tasks, renderer, text)
    identity = identify(base, tasks, settings, text)
    init = chosen_init(base, source, folder, settings, tasks, renderer, identity, under, shared)
    resolved = settings.model_copy(update={"objective": objective})
    adapter = begun(base, folder, resolved, tasks, renderer, identity, init, under)
    counting = [_counting(task) for task in tasks]
    if objective == "regress" and told is None:
        scaled(adapter, [example for examples in counting for example in examples], tasks)
    train, held_out = shared.once(
        f"rows {room} {placement} {objective} {adapter.classes()} {settings.stack_on}",
        source,
        settings,
        lambda: [_learnt(renderer, tasks, side, adapter) for side in (counting, [task.splits.val for task in tasks])],
    )
    paced = shared.once(
        f"difficulty {room} {placement} {objective}",
        source,
        settings,
        lambda: curriculum(base, renderer, folder, train, settings, identity),
    )
    job = _job(base, settings, tasks, general, adapter, train, held_out, paced)
    rule = "as set" if settings.lr is not None else adapter.rate(base)[1]
    return Plan(folder, settings, tasks, renderer, job, identity, rule, objective, reason, general)


def _job(
    base: Base,
    settings: TuneSettings,
    tasks: Sequence[Task],
    general: GeneralText | None,
    adapter: Adapter,
    train: Sequence[Learnt],
    held_out: Sequence[Learnt],
    paced: Curriculum | None,
) -> Job:
    rows, looked = ([row for task in side for _, row in task] for side in (train, held_out))
    texts = general.train if general else []
    replay = Replay(range(len(rows), len(rows) + len(texts)), settings.replay_share, settings.seed) if texts else None
    order = Order(
        [len(row.ids) for row in (*rows, *texts)],
        settings,
        mixture(tasks, [len(task) for task in train], settings),
        paced,
        replay,
    )
    rate = settings.lr if settings.lr is not None else adapter.rate(base)[0]
    return Job(adapter.name, adapter, [*rows, *texts], looked, settings, rate, order)


def _learnt(
    renderer: Renderer, tasks: Sequence[Task], sides: Sequence[Sequence[Example]], adapter: Adapter
) -> list[Learnt]:
    """The rows of each task as the adapter learns them: with answers to be written (a long text in several rows), or
    with answers for its head."""
    return [
        [
            (example, replace(row, weight=example.weight, task=task.name if len(tasks) > 1 else ""))
            for example in side
            for row in encode(renderer, example, adapter)
        ]
        for task, side in zip(tasks, sides, strict=True)
    ]


def _counting(task: Task) -> list[Example]:
    """The rows that count in training. Errors: none of them does."""
    found = [example for example in task.splits.train if example.weight]
    if not found:
        raise DataError(f"every training row of {task.dataset.path} has the weight 0; give some of them more")
    return found


def identify(base: Base, tasks: Sequence[Task], settings: TuneSettings, text: Dataset | None = None) -> str:
    """Hash of what makes a run the run it is: base, data and settings.

    text: the general text that is replayed; left out: it is read
    """
    hashes = [
        part for task in tasks for part in (task.dataset.hash, hash_of(task.splits.val), hash_of(task.splits.test))
    ]
    hashes += [str(row.number) for task in tasks for row in task.splits.train if row.number is not None]
    if settings.replay:
        hashes.append((text or load_replay(settings)).hash)
    if settings.stack_on is not None:
        hashes += [file_hash(path) for path in sorted(Path(settings.stack_on).rglob("adapter_model.safetensors"))]
    return run_folder.identity(base.fingerprint, hashes, settings.model_dump())
