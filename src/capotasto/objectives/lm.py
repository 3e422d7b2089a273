"""The language-model objective: the sum of nats over supervised tokens, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.losses import token_losses
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded


def row_losses(
    base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None]
) -> tuple[Tensor, list[int]]:
    """Loss of each row: ([B] sums in nats, differentiable in the adapters; B numbers of supervised tokens)."""
    hidden = forward.run(base, batch, adapters)
    sources, targets, rows = [], [], []
    for i, row in enumerate(batch):
        for token, learnt in enumerate(row.learn):
            source = hidden.before(i, token) if learnt else -1
            if source >= 0:
                sources.append(source)
                targets.append(row.ids[token])
                rows.append(i)
    device = hidden.states.device
    wanted = torch.tensor(targets, dtype=torch.long, device=device)
    states = hidden.states.index_select(0, torch.tensor(sources, dtype=torch.long, device=device))
    losses = token_losses(states, wanted, forward.head(base))
    index = torch.tensor(rows, dtype=torch.long, device=device)
    sums = losses.new_zeros(len(batch)).index_add(0, index, losses)
    return sums, torch.bincount(index.cpu(), minlength=len(batch)).tolist()
