"""Text → label with our own classes: rows as dialogues, and how often the likeliest label is the gold one."""

from collections.abc import Sequence

import numpy as np

from benchmarks.choosing import Row
from benchmarks.ours.common import example
from capotasto import Base, Example
from capotasto.evaluate.questions import choose
from capotasto.methods.adapter import Adapter


def labelled(rows: Sequence[Row]) -> list[Example]:
    """Each text with its label as the answer."""
    return [example(row.text, row.label, row.label) for row in rows]


def hits(base: Base, rows: Sequence[Example], labels: Sequence[str], learner: Adapter | None) -> np.ndarray:
    """[N] 1 where the likeliest of all labels is the gold one, else 0."""
    chosen = choose(base, base.renderer(learner), rows, labels, learner).argmax(1)
    return np.array([labels[i] == row.label for i, row in zip(chosen, rows, strict=True)], dtype=float)
