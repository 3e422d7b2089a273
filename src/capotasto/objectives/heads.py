"""What heads say of rows: the state they read, and rows as they learn them."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from capotasto import forward
from capotasto.errors import DataError
from capotasto.methods.adapter import Adapter
from capotasto.methods.head import Head
from capotasto.tokens.render import Renderer
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


def outputs(hidden: forward.Hidden, adapters: Sequence[Adapter | None], rows: Sequence[int]) -> list[Tensor]:
    """[C] outputs of each of these rows, by its adapter's head."""
    found = []
    for row in rows:
        head = head_of(adapters[row])
        assert head is not None
        places = torch.as_tensor(hidden.layout.paths[row], device=hidden.states.device)[hidden.ghosts[row] :]
        states = hidden.states[places if head.pooling == "mean" else places[-1:]]  # [T, H]
        found.append(head(states.float().mean(0)))
    return found


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
