"""The classification objective: nats of the true class by an adapter's head, row by row."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.tokens.render import Renderer
from capotasto.trunk import Trunk, place_of_head
from capotasto.types import Encoded, Example


def encode(renderer: Renderer, example: Example, classes: Sequence[str]) -> Encoded:
    """The example up to its answer, and its class."""
    prompt = renderer.prompt(example.turns[:-1])
    label = classes.index(example.label) if example.label in classes else -1
    return Encoded(prompt.ids, (False,) * len(prompt.ids), prompt.slot, prompt.cut, label)


def head_of(adapter: Adapter | None) -> nn.Module:
    """The head of an adapter that has one."""
    head = None if adapter is None else adapter.head()
    assert head is not None
    return head


def pooled(states: Tensor, pooling: str) -> Tensor:
    """[T, H] states of one row → [H] what a head reads."""
    return states.mean(0) if pooling == "mean" else states[-1]


def features(hidden: forward.Hidden, adapters: Sequence[Adapter | None], rows: Sequence[int]) -> Tensor:
    """[B, H] what the head of each of these rows reads."""
    found = []
    for row in rows:
        places = torch.as_tensor(hidden.layout.paths[row], device=hidden.states.device)[hidden.ghosts[row] :]
        found.append(pooled(hidden.states[places], str(head_of(adapters[row]).pooling)))
    return torch.stack(found)


def kept_features(
    base: FrozenBase, trunk: Trunk, batch: Sequence[Encoded], adapters: Sequence[Adapter | None]
) -> Tensor | None:
    """[B, H] of a batch whose heads read the bare base's states, if the trunk has them all."""
    found = []
    for row, adapter in zip(batch, adapters, strict=True):
        place = place_of_head(base, adapter)
        states = None if place is None or row.label is None else trunk.get(place, [row])
        if states is None:
            return None
        found.append(states)
    return torch.cat(found).to(base.device)


def class_logits(features: Tensor, adapter: Adapter | None) -> Tensor:
    """[B, H] features → [B, C] logits by the adapter's head, in fp32."""
    logits: Tensor = head_of(adapter)(features.float())
    return logits


def losses(features: Tensor, batch: Sequence[Encoded], adapters: Sequence[Adapter | None]) -> tuple[Tensor, list[int]]:
    """(nats of each row, differentiable in the adapters; 1 each), and 0 where the class is unknown."""
    targets = torch.tensor([row.label for row in batch], device=features.device)
    nats = features.new_zeros(len(batch), dtype=torch.promote_types(features.dtype, torch.float32))
    for adapter in {id(one): one for one in adapters}.values():
        rows = torch.tensor([i for i, one in enumerate(adapters) if one is adapter], device=nats.device)
        logits = class_logits(features[rows], adapter)
        own = nn.functional.cross_entropy(logits, targets[rows], ignore_index=-1, reduction="none")
        nats = nats.index_put((rows,), own.to(nats.dtype))
    return nats, [row.learnt for row in batch]


def row_losses(
    base: FrozenBase,
    hidden: forward.Hidden,
    batch: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    chosen: Sequence[int],
) -> tuple[Tensor, list[int]]:
    """`losses` of these rows of the batch."""
    mine = [adapters[row] for row in chosen]
    return losses(features(hidden, adapters, chosen), [batch[row] for row in chosen], mine)
