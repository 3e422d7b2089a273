"""The classification objective: nats of the true class by an adapter's head, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import outputs
from capotasto.objectives.lesson import Lesson
from capotasto.types import Encoded


def losses(
    base: FrozenBase,
    hidden: forward.Hidden,
    batch: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    chosen: Sequence[int],
    lessons: Sequence[Lesson],
) -> tuple[Tensor, list[int]]:
    """These rows of the batch: (nats, differentiable in the adapters; 1 each), and 0 where the class is unknown."""
    targets = [torch.tensor(batch[row].label, device=hidden.states.device) for row in chosen]
    logits = outputs(hidden, adapters, chosen)
    nats = [
        nn.functional.cross_entropy(
            one, target, ignore_index=-1, reduction="sum", label_smoothing=lessons[row].smoothing
        )
        for row, one, target in zip(chosen, logits, targets, strict=True)
    ]
    return torch.stack(nats), [batch[row].learnt for row in chosen]
