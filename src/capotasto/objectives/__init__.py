"""What is minimised: one file an objective."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives import classify, heads, lm, multilabel, regress
from capotasto.objectives.lesson import PLAIN, Lesson
from capotasto.objectives.noise import uniform
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example

_OBJECTIVES = {
    "lm": lm.losses,
    "classify": classify.losses,
    "regress": regress.losses,
    "multilabel": multilabel.losses,
}


def row_losses(
    base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], lessons: Sequence[Lesson] = ()
) -> tuple[Tensor, list[int]]:
    """Loss of each row: ([B] sums, differentiable in the adapters; what each is summed over).

    A row with an answer for a head is answered by its adapter's head, any other is text; nats but for `regress`.
    lessons: how each row is learnt, where it is learnt; none in evaluation
    """
    lessons = lessons or [PLAIN] * len(batch)
    hidden = forward.run(base, batch, adapters, noise=_noise(base, batch, lessons))
    kinds = [_objective(row, adapter) for row, adapter in zip(batch, adapters, strict=True)]
    sums = hidden.states.new_zeros(len(batch), dtype=torch.promote_types(hidden.states.dtype, torch.float32))
    counts = [0] * len(batch)
    for kind, objective in _OBJECTIVES.items():
        if rows := [i for i, one in enumerate(kinds) if one == kind]:
            nats, learnt = objective(base, hidden, batch, adapters, rows, lessons)
            sums = sums.index_add(0, torch.tensor(rows, device=sums.device), nats.to(sums.dtype))
            for row, count in zip(rows, learnt, strict=True):
                counts[row] = count
    return sums, counts


def encode(renderer: Renderer, example: Example, adapter: Adapter) -> list[Encoded]:
    """An example as the adapter learns it: with an answer to be written (a long text in several rows), or with one for
    its head."""
    if adapter.head() is None:
        return renderer.windows(example)
    return [heads.encode(renderer, example, adapter)]


def _objective(row: Encoded, adapter: Adapter | None) -> str:
    head = heads.head_of(adapter) if row.answers_by_head else None
    return "lm" if head is None else head.objective


def _noise(base: FrozenBase, batch: Sequence[Encoded], lessons: Sequence[Lesson]) -> list[Tensor | None]:
    """For each row what is added to its embeddings, [T, E]."""
    width = base.embedding_size
    return [
        lesson.noise / math.sqrt(width) * uniform(row.ids, width, lesson.seed) if lesson.noise else None
        for row, lesson in zip(batch, lessons, strict=True)
    ]
