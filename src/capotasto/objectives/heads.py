"""What heads say of rows: the state they read, and rows as they learn them."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.errors import DataError
from capotasto.methods.adapter import Adapter
from capotasto.methods.head import Head
from capotasto.tokens.render import Renderer
from capotasto.trunk import Trunk, place_of_head
from capotasto.types import Encoded, Example


def head_of(adapter: Adapter | None) -> Head | None:
    """The adapter's head, if it answers by one."""
    return None if adapter is None else cast(Head | None, adapter.head())


def encode(renderer: Renderer, example: Example, adapter: Adapter) -> Encoded:
    """The example up to its answer, and its answer as the adapter's head learns it."""
    head, names = head_of(adapter), adapter.classes() or []
    assert head is not None
    prompt = renderer.prompt(example.turns[:-1] or example.turns)
    label, targets = None, None
    if head.objective == "classify":
        label = names.index(example.label) if example.label in names else -1
    elif head.objective == "regress":
        targets = head.in_own_scale(example.scores or ())
    else:
        targets = tuple(float(name in (example.labels or ())) for name in names)
    return Encoded(prompt.ids, (False,) * len(prompt.ids), prompt.slot, prompt.cut, label, targets)


def pooled(states: Tensor, pooling: str, first: int = 0) -> Tensor:
    """[T, H] states of one row → [H] what a head reads.

    pooling: `cls` is the row's own first token, number `first`, also behind virtual tokens; `last` its last; `mean` is
             over all of its states, those of virtual tokens too
    """
    return states.mean(0) if pooling == "mean" else states[first if pooling == "cls" else -1]


def read(hidden: forward.Hidden, row: int, pooling: str) -> Tensor:
    """[H] what a head reads of this row."""
    places = torch.as_tensor(hidden.layout.paths[row], device=hidden.states.device)[hidden.ghosts[row] :]
    slot, virtual = hidden.slots[row]
    return pooled(hidden.states[places], pooling, 0 if slot else virtual)


def features(hidden: forward.Hidden, adapters: Sequence[Adapter | None], rows: Sequence[int]) -> Tensor:
    """[B, H] what the head of each of these rows reads."""
    found = []
    for row in rows:
        head = head_of(adapters[row])
        assert head is not None
        found.append(read(hidden, row, head.pooling))
    return torch.stack(found)


def kept_features(
    base: FrozenBase, trunk: Trunk, batch: Sequence[Encoded], adapters: Sequence[Adapter | None]
) -> Tensor | None:
    """[B, H] of a batch whose heads all read the bare base's states, if the trunk has them."""
    found = []
    for row, adapter in zip(batch, adapters, strict=True):
        place = place_of_head(base, adapter) if row.answers_by_head else None
        states = None if place is None else trunk.get(place, [row])
        if states is None:
            return None
        found.append(states)
    return torch.cat(found).to(base.device)


def outputs(features: Tensor, adapter: Adapter | None) -> Tensor:
    """[B, H] features of rows of one adapter → [B, C] what its head gives, in fp32."""
    head = head_of(adapter)
    assert head is not None
    told: Tensor = head(features.float())
    return told


def check_labels(examples: Sequence[Example], names: Sequence[str], where: str) -> None:
    """Errors: a label that is none of `names`, which training saw."""
    for example in examples:
        labels = example.labels if example.label is None else (example.label,)
        if unknown := next((label for label in labels or () if label not in names), None):
            known = ", ".join(names)
            raise DataError(
                f"{example.place} has the label {unknown!r}, which {where} never saw (it knows {known});"
                " correct the row, or take it out"
            )
