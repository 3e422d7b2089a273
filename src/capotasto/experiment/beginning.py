"""The adapter that a run begins with, for its tasks and on what lies beneath it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capotasto.errors import DataError
from capotasto.experiment import folder as run_folder
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.shared import Shared
from capotasto.experiment.start import default_init, example_ids, takes_init, untrained
from capotasto.experiment.tasks import Task, all_names, joined
from capotasto.methods.adapter import Adapter
from capotasto.methods.stacked import stack
from capotasto.objectives.heads import head_of
from capotasto.records import read_json, write_json
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Example

START = "start.json"


def chosen_init(
    base: Base,
    source: str,
    folder: Path,
    settings: TuneSettings,
    tasks: Sequence[Task],
    renderer: Renderer,
    identity: str,
    under: Adapter | None,
    shared: Shared,
) -> str:
    """What virtual tokens start from, and empty for methods without them: as set, as a resumed run wrote it down, or
    the best of a few candidates."""
    init = _earlier(folder, settings, identity)
    if init is not None:
        return init
    what = f"init {settings.tokens} {renderer.max_length} {settings.stack_on}"
    return settings.init or shared.once(what, source, settings, lambda: _tried(base, settings, tasks, renderer, under))


def begun(
    base: Base,
    folder: Path,
    settings: TuneSettings,
    tasks: Sequence[Task],
    renderer: Renderer,
    identity: str,
    init: str,
    under: Adapter | None,
) -> Adapter:
    """The untrained adapter, which starts from `init`; claims the folder and writes the start down.

    settings: with the objective resolved
    """
    examples, names = joined(tasks).train, all_names(tasks)
    facts: dict[str, Any] = {"fingerprint": base.fingerprint, "dialogue": _dialogue(examples)}
    by_itself = "by rule" if base.is_encoder else "by trial"
    start = {"chosen": by_itself if settings.init is None else "as set"} if init else {}
    if init.partition(":")[0] == "examples":
        facts["ids"] = example_ids(init, examples, renderer, settings.tokens, settings.seed)
    name = settings.name or folder.resolve().name
    resolved = settings.model_copy(update={"init": init or None})
    over = untrained(base, resolved, names, settings.seed, under, name=name, start=start, **facts)
    over.take_tasks([task.name for task in tasks])
    for task in tasks:
        if specialist := over.specialists().get(task.name):
            specialist.dialogue = _dialogue(task.splits.train)
    adapter = stack(base, under, over)
    _check_names(adapter, names, tasks[0].dataset.path)
    if settings.force and not settings.resume:
        run_folder.clear(folder)
    write_json(folder / START, {"identity": identity, "init": init})
    return adapter


def scaled(adapter: Adapter, examples: Sequence[Example], tasks: Sequence[Task]) -> None:
    """Give the head the scale of the training rows' numbers."""
    head = head_of(adapter)
    assert head is not None
    head.standardise([example.scores or () for example in examples], all_names(tasks), tasks[0].dataset.path)


def _earlier(folder: Path, settings: TuneSettings, identity: str) -> str | None:
    """What a resumed run started from, as it wrote it down, so that it need not be found again."""
    if not settings.resume or not (folder / START).exists():
        return None
    note = read_json(folder / START)
    return note["init"] if note["identity"] == identity else None


def _tried(base: Base, settings: TuneSettings, tasks: Sequence[Task], renderer: Renderer, under: Adapter | None) -> str:
    if not takes_init(settings.method):
        return ""
    if base.is_encoder:
        return "labels"  # no trial tells anything before a head has learnt
    examples, labels = joined(tasks).train, sorted({label for task in tasks for label in task.dataset.labels})
    rows = [renderer.encode(example) for example in examples]
    return default_init(base, examples, rows, labels, settings.tokens, settings.seed, under)


def _dialogue(examples: Sequence[Example]) -> bool | None:
    """True for questions and answers, False for plain text, None where tasks of both kinds are mixed."""
    kinds = {not example.plain for example in examples}
    return kinds.pop() if len(kinds) == 1 else None


def _check_names(adapter: Adapter, names: Sequence[str], path: str) -> None:
    """Errors: labels that the adapter's head, trained before on other data, does not know."""
    classes = adapter.classes()
    if classes and not (names and set(names) <= set(classes)):
        found = ", ".join(names) or "no labels"
        raise DataError(f"the head of {adapter.name} knows {', '.join(classes)}, and {path} has {found}")
