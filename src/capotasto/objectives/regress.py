"""The regression objective: squared errors of numbers in units of their spread, summed over a row's numbers."""

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
    """These rows of the batch: (squared errors, differentiable in the adapters; how many numbers there are)."""
    found = [
        nn.functional.mse_loss(one, one.new_tensor(batch[row].targets), reduction="sum")
        for row, one in zip(chosen, outputs(hidden, adapters, chosen), strict=True)
    ]
    return torch.stack(found), [batch[row].learnt for row in chosen]
