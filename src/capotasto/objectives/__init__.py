"""What is minimised: one file an objective."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives import classify, lm
from capotasto.objectives.lesson import PLAIN, Lesson
from capotasto.objectives.noise import uniform
from capotasto.types import Encoded


def row_losses(
    base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], lessons: Sequence[Lesson] = ()
) -> tuple[Tensor, list[int]]:
    """Loss of each row: ([B] sums in nats, differentiable in the adapters; what each is summed over).

    A row with a class is classified by its adapter's head, any other is text.
    lessons: how each row is learnt, where it is learnt; none in evaluation
    """
    lessons = lessons or [PLAIN] * len(batch)
    hidden = forward.run(base, batch, adapters, noise=_noise(base, batch, lessons))
    text = [i for i, row in enumerate(batch) if row.label is None]
    classed = [i for i, row in enumerate(batch) if row.label is not None]
    sums = hidden.states.new_zeros(len(batch), dtype=torch.promote_types(hidden.states.dtype, torch.float32))
    counts = [0] * len(batch)
    for rows, objective in ((text, lm.losses), (classed, classify.losses)):
        if rows:
            nats, learnt = objective(base, hidden, batch, adapters, rows, lessons)
            sums = sums.index_add(0, torch.tensor(rows, device=sums.device), nats.to(sums.dtype))
            for row, count in zip(rows, learnt, strict=True):
                counts[row] = count
    return sums, counts


def _noise(base: FrozenBase, batch: Sequence[Encoded], lessons: Sequence[Lesson]) -> list[Tensor | None]:
    """For each row what is added to its embeddings, [T, E]."""
    width = base.embedding_size
    return [
        lesson.noise / math.sqrt(width) * uniform(row.ids, width, lesson.seed) if lesson.noise else None
        for row, lesson in zip(batch, lessons, strict=True)
    ]
