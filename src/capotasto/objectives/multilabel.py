"""The multi-label objective: nats of each mark by itself (binary cross-entropy), summed over a row's labels."""

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
    """These rows of the batch: (nats, differentiable in the adapters; how many labels there are)."""
    found = [
        nn.functional.binary_cross_entropy_with_logits(one, one.new_tensor(batch[row].targets), reduction="sum")
        for row, one in zip(chosen, outputs(hidden, adapters, chosen), strict=True)
    ]
    return torch.stack(found), [batch[row].learnt for row in chosen]
