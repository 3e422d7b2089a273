"""How difficult each training row is, for a curriculum."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capotasto.evaluate.questions import score
from capotasto.experiment.settings import TuneSettings
from capotasto.records import read_json, write_json
from capotasto.session import Base
from capotasto.tokens.curriculum import Curriculum, ranks
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example

LOSSES = "difficulty.json"  # the base's loss of each training row, kept so that a resumed run need not ask again


def curriculum(
    base: Base,
    renderer: Renderer,
    folder: Path,
    train: Sequence[Sequence[tuple[Example, Encoded]]],
    settings: TuneSettings,
    identity: str,
) -> Curriculum | None:
    """The training rows of all tasks by difficulty; None where no curriculum is wanted.

    train: of each task its rows, each with the example it comes from
    """
    if settings.curriculum == "none":
        return None
    pairs = [pair for task in train for pair in task]
    if settings.curriculum == "loss":
        found = _losses(base, folder, [_written(renderer, *pair) for pair in pairs], identity)
    else:
        found = [len(row.ids) if example.number is None else example.number for example, row in pairs]
    return Curriculum(ranks(found, [len(task) for task in train]), settings.curriculum_start)


def _written(renderer: Renderer, example: Example, row: Encoded) -> Encoded:
    """The row with its answer written, where the adapter's head would choose it: the base has no head."""
    return renderer.encode(example) if row.answers_by_head else row


def _losses(base: Base, folder: Path, rows: Sequence[Encoded], identity: str) -> list[float]:
    """Nats per supervised token by the bare base."""
    path = folder / LOSSES
    if path.exists() and (kept := read_json(path))["identity"] == identity:
        return kept["losses"]
    sums, counts = score(base, rows, [None] * len(rows))
    losses = (sums / np.maximum(counts, 1)).tolist()
    write_json(path, {"identity": identity, "losses": losses})
    return losses
