"""How difficult each training row is, for a curriculum."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capotasto.evaluate.questions import score
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tasks import Task
from capotasto.records import read_json, write_json
from capotasto.session import Base
from capotasto.tokens.curriculum import Curriculum, ranks
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example

LOSSES = "difficulty.json"  # the base's loss of each training row, kept so that a resumed run need not ask again


def curriculum(
    base: Base, renderer: Renderer, folder: Path, tasks: Sequence[Task], settings: TuneSettings, identity: str
) -> Curriculum | None:
    """The training rows of all tasks by difficulty; None where no curriculum is wanted."""
    if settings.curriculum == "none":
        return None
    examples = [example for task in tasks for example in task.splits.train]
    if settings.curriculum == "loss":
        found = _losses(base, renderer, folder, examples, identity)
    else:
        found = [_difficulty(renderer, example) for example in examples]
    return Curriculum(ranks(found, [len(task.splits.train) for task in tasks]), settings.curriculum_start)


def _difficulty(renderer: Renderer, example: Example) -> float:
    """The number of its column, or else its tokens."""
    return len(renderer.encode(example).ids) if example.number is None else example.number


def _losses(base: Base, renderer: Renderer, folder: Path, examples: Sequence[Example], identity: str) -> list[float]:
    """Nats per supervised token by the bare base."""
    path = folder / LOSSES
    if path.exists() and (kept := read_json(path))["identity"] == identity:
        return kept["losses"]
    rows: list[Encoded] = [renderer.encode(example) for example in examples]
    sums, counts = score(base, rows, [None] * len(rows))
    losses = (sums / np.maximum(counts, 1)).tolist()
    write_json(path, {"identity": identity, "losses": losses})
    return losses
