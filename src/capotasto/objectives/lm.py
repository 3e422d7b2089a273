"""The language-model objective: the sum of nats over supervised tokens, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.losses import token_losses
from capotasto.methods.adapter import Adapter
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
    """These rows of the batch: (sums in nats, differentiable in the adapters; numbers of supervised tokens)."""
    sources, targets, rows, weights = [], [], [], []
    for i, row in enumerate(chosen):
        for token, weight in enumerate(lessons[row].weights(batch[row])):
            source = hidden.before(row, token) if weight else -1
            if source >= 0:
                sources.append(source)
                targets.append(batch[row].ids[token])
                rows.append(i)
                weights.append(weight)
    device = hidden.states.device
    wanted = torch.tensor(targets, dtype=torch.long, device=device)
    states = hidden.states.index_select(0, torch.tensor(sources, dtype=torch.long, device=device))
    index = torch.tensor(rows, dtype=torch.long)
    shares = [lessons[row].smoothing for row in chosen]
    smoothing = torch.tensor(shares, dtype=torch.float64, device=device)[index.to(device)] if any(shares) else None
    found = token_losses(states, wanted, forward.head(base, adapters), smoothing)
    found = found * found.new_tensor(weights)
    sums = found.new_zeros(len(chosen)).index_add(0, index.to(device), found)
    return sums, torch.bincount(index, minlength=len(chosen)).tolist()
