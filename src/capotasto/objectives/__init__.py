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
from capotasto.trunk import Trunk
from capotasto.types import Encoded, Example

_OF_HEADS = {"classify": classify.losses, "regress": regress.losses, "multilabel": multilabel.losses}


def row_losses(
    base: FrozenBase,
    batch: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    lessons: Sequence[Lesson] = (),
    trunk: Trunk | None = None,
) -> tuple[Tensor, list[int]]:
    """Loss of each row: ([B] sums, differentiable in the adapters; what each is summed over).

    A row with an answer for a head is answered by its adapter's head, any other is text; nats but for `regress`.
    lessons: how each row is learnt, where it is learnt; none in evaluation
    trunk:   states of lower layers that need not be computed again
    """
    lessons = lessons or [PLAIN] * len(batch)
    quiet = trunk if not any(lesson.noise for lesson in lessons) else None
    kept = None if quiet is None else heads.kept_features(base, quiet, batch, adapters)
    if kept is not None:
        return _by_heads(kept, batch, adapters, lessons), [row.learnt for row in batch]
    hidden = forward.run(base, batch, adapters, noise=_noise(base, batch, lessons), trunk=quiet)
    sums = hidden.states.new_zeros(len(batch), dtype=torch.promote_types(hidden.states.dtype, torch.float32))
    counts = [row.learnt for row in batch]
    if rows := [i for i, row in enumerate(batch) if row.answers_by_head]:
        mine = heads.features(hidden, adapters, rows)
        found = _by_heads(mine, [batch[i] for i in rows], [adapters[i] for i in rows], [lessons[i] for i in rows])
        sums = sums.index_add(0, torch.tensor(rows, device=sums.device), found.to(sums.dtype))
    if rows := [i for i, row in enumerate(batch) if not row.answers_by_head]:
        nats, learnt = lm.losses(base, hidden, batch, adapters, rows, lessons)
        sums = sums.index_add(0, torch.tensor(rows, device=sums.device), nats.to(sums.dtype))
        for row, count in zip(rows, learnt, strict=True):
            counts[row] = count
    return sums, counts


def _by_heads(
    features: Tensor, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], lessons: Sequence[Lesson]
) -> Tensor:
    """[B, H] what heads read of these rows → [B] losses; rows of one adapter at once, which share a lesson."""
    sums = features.new_zeros(len(batch), dtype=torch.float32)
    for adapter in {id(one): one for one in adapters}.values():
        rows = [i for i, one in enumerate(adapters) if one is adapter]
        head = heads.head_of(adapter)
        assert head is not None
        told = heads.outputs(features[rows], adapter)
        own = _OF_HEADS[head.objective](told, [batch[i] for i in rows], lessons[rows[0]])
        sums = sums.index_add(0, torch.tensor(rows, device=sums.device), own)
    return sums


def encode(renderer: Renderer, example: Example, adapter: Adapter) -> list[Encoded]:
    """An example as the adapter learns it: with an answer to be written (a long text in several rows), or with one for
    its head."""
    if adapter.head() is None:
        return renderer.windows(example)
    return [heads.encode(renderer, example, adapter)]


def _noise(base: FrozenBase, batch: Sequence[Encoded], lessons: Sequence[Lesson]) -> list[Tensor | None]:
    """For each row what is added to its embeddings, [T, E]."""
    width = base.embedding_size
    return [
        lesson.noise / math.sqrt(width) * uniform(row.ids, width, lesson.seed) if lesson.noise else None
        for row, lesson in zip(batch, lessons, strict=True)
    ]
