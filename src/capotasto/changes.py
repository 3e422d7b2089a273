"""What adapters add to the outputs of frozen linear layers, each in its own part of a flat batch."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from capotasto.methods.adapter import Delta


@dataclass(frozen=True, slots=True)
class Change:
    """The flat positions from `start` to `stop` get `deltas`: name of a linear layer → what is added there."""

    start: int
    stop: int
    deltas: Mapping[str, Delta]


@contextmanager
def changed(model: nn.Module, changes: Sequence[Change]) -> Iterator[None]:
    """Inside the block the named layers of `model` give their output and what is added to it."""
    by_layer: dict[str, list[tuple[int, int, Delta]]] = {}
    for change in sorted(changes, key=lambda one: one.start):
        for name, delta in change.deltas.items():
            by_layer.setdefault(name, []).append((change.start, change.stop, delta))
    handles = []
    try:
        for name, parts in by_layer.items():
            handles.append(model.get_submodule(name).register_forward_hook(partial(_add, parts)))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _add(parts: list[tuple[int, int, Delta]], module: nn.Module, given: tuple[Any, ...], out: Tensor) -> Tensor:
    """[.., N, in], [.., N, out] → [.., N, out]; some architectures flatten the batch axis, N stays the last but one."""
    x = given[0]
    if len(parts) == 1 and parts[0][:2] == (0, out.shape[-2]):
        return out + parts[0][2](x, out)  # a slice of all of it would cost a copy in the backward pass
    pieces, place = [], 0
    for start, stop, delta in parts:
        mine = out[..., start:stop, :]
        pieces += [out[..., place:start, :], mine + delta(x[..., start:stop, :], mine)]
        place = stop
    return torch.cat([*pieces, out[..., place:, :]], dim=-2)
