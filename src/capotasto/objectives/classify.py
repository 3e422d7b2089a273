"""The classification objective: nats of the true class by an adapter's head, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from capotasto.objectives.lesson import Lesson
from capotasto.types import Encoded


def losses(told: Tensor, rows: Sequence[Encoded], lesson: Lesson) -> Tensor:
    """[B, C] logits of rows → [B] nats, and 0 where the class is unknown."""
    targets = torch.tensor([row.label for row in rows], device=told.device)
    return nn.functional.cross_entropy(
        told, targets, ignore_index=-1, reduction="none", label_smoothing=lesson.smoothing
    )
