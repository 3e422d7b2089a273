"""What is minimised: one file an objective."""

from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives import classify, lm
from capotasto.trunk import Trunk
from capotasto.types import Encoded


def row_losses(
    base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], trunk: Trunk | None = None
) -> tuple[Tensor, list[int]]:
    """Loss of each row: ([B] sums in nats, differentiable in the adapters; what each is summed over).

    A row with a class is classified by its adapter's head, any other is text.
    """
    kept = None if trunk is None else classify.kept_features(base, trunk, batch, adapters)
    if kept is not None:
        return classify.losses(kept, batch, adapters)
    hidden = forward.run(base, batch, adapters, trunk=trunk)
    text = [i for i, row in enumerate(batch) if row.label is None]
    classed = [i for i, row in enumerate(batch) if row.label is not None]
    sums = hidden.states.new_zeros(len(batch), dtype=torch.promote_types(hidden.states.dtype, torch.float32))
    counts = [0] * len(batch)
    for rows, objective in ((text, lm.losses), (classed, classify.row_losses)):
        if rows:
            nats, learnt = objective(base, hidden, batch, adapters, rows)
            sums = sums.index_add(0, torch.tensor(rows, device=sums.device), nats.to(sums.dtype))
            for row, count in zip(rows, learnt, strict=True):
                counts[row] = count
    return sums, counts
