"""Texts as vectors: the frozen base's last states, averaged over a text's own tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives.heads import read
from capotasto.types import Encoded


@torch.no_grad()
def vectors(base: FrozenBase, rows: Sequence[Encoded], adapter: Adapter | None) -> Tensor:
    """[B, H] in fp32, each of length 1. With an adapter, of what the base makes of them with it; its virtual tokens
    count as tokens."""
    hidden = forward.run(base, rows, [adapter] * len(rows))
    means = torch.stack([read(hidden, row, "mean") for row in range(len(rows))])
    return torch.nn.functional.normalize(means.float(), dim=-1).cpu()
