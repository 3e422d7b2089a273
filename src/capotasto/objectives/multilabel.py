"""The multi-label objective: nats of each mark by itself (binary cross-entropy), summed over a row's labels."""

from collections.abc import Sequence

from torch import Tensor, nn

from capotasto.objectives.lesson import Lesson
from capotasto.types import Encoded


def losses(told: Tensor, rows: Sequence[Encoded], lesson: Lesson) -> Tensor:
    """[B, C] logits of marks of rows → [B] nats."""
    targets = told.new_tensor([row.targets for row in rows])
    return nn.functional.binary_cross_entropy_with_logits(told, targets, reduction="none").sum(1)
