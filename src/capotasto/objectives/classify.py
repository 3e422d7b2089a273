"""The classification objective: nats of the true class by an adapter's head, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.objectives.pooling import pooled
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example


def encode(renderer: Renderer, example: Example, classes: Sequence[str]) -> Encoded:
    """The example up to its answer, and its class."""
    prompt = renderer.prompt(example.turns[:-1])
    label = classes.index(example.label) if example.label in classes else -1
    return Encoded(prompt.ids, (False,) * len(prompt.ids), prompt.slot, prompt.cut, label)


def class_logits(hidden: forward.Hidden, adapters: Sequence[Adapter | None], rows: Sequence[int]) -> list[Tensor]:
    """[C] logits of each of these rows, by its adapter's head."""
    found = []
    for row in rows:
        adapter = adapters[row]
        assert adapter is not None
        head = adapter.head()
        assert head is not None
        found.append(head(pooled(hidden, row, str(head.pooling))))
    return found


def losses(
    base: FrozenBase,
    hidden: forward.Hidden,
    batch: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    chosen: Sequence[int],
) -> tuple[Tensor, list[int]]:
    """These rows of the batch: (nats, differentiable in the adapters; 1 each), and 0 where the class is unknown."""
    targets = [torch.tensor(batch[row].label, device=hidden.states.device) for row in chosen]
    logits = class_logits(hidden, adapters, chosen)
    nats = [
        nn.functional.cross_entropy(one, target, ignore_index=-1, reduction="sum")
        for one, target in zip(logits, targets, strict=True)
    ]
    return torch.stack(nats), [batch[row].learnt for row in chosen]
