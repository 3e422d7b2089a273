"""Changes of several adapters side by side: two matrices for each layer, and who may use which columns.

Every row is multiplied with all low-rank factors of a layer, and what lies between is set to zero outside of the row's
own columns: one product instead of one for each adapter. That is more arithmetic and still faster, because a step waits
for memory and for the start of operations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from capotasto.methods.settled import Settled

Stages = Mapping[str, Sequence[Settled]]  # layer → changes, one after another
Act = Callable[[Tensor, Tensor], None]  # a layer's input [B, in] and output [B, out], which is changed in place


class Stacks:
    """The changes of several adapters, however rows stand.

    settled: any key of an adapter → its changes
    """

    def __init__(self, settled: Mapping[int, Stages]):
        self.keys = tuple(settled)
        found: dict[str, dict[tuple[int, bool, int], list[tuple[int, Settled]]]] = {}
        for number, stages in enumerate(settled.values()):
            for name, changes in stages.items():
                for depth, change in enumerate(changes):
                    kind = (depth, change.inner, id(change.f))
                    found.setdefault(name, {}).setdefault(kind, []).append((number, change))
        self._layers = {
            name: [_stack(kinds[kind]) for kind in sorted(kinds, key=lambda kind: kind[0])]
            for name, kinds in found.items()
        }

    def acts(self, owners: Sequence[int], device: torch.device) -> dict[str, list[Act]]:
        """Layer → what is to be done behind it; row i belongs to the adapter with the key `owners[i]`."""
        numbers = {key: number for number, key in enumerate(self.keys)}
        own = torch.tensor([numbers.get(owner, -1) for owner in owners], device=device)
        masks: dict[tuple[int, ...], Tensor | None] = {}
        return {
            name: [stack.of_rows(own, _once(masks, stack.columns, own)) for stack in stacks]
            for name, stacks in self._layers.items()
        }


def _once(masks: dict[tuple[int, ...], Tensor | None], columns: tuple[int, ...], own: Tensor) -> Tensor | None:
    """[B, R] True where a row must not use a column; None where all may use all. Layers of one shape share it."""
    if columns not in masks:
        mask = own[:, None] != torch.tensor(columns, dtype=own.dtype, device=own.device)
        masks[columns] = mask if bool(mask.any()) else None
    return masks[columns]


@dataclass(slots=True, eq=False)
class _Stack:
    """Changes of one kind at one layer.

    members: whose they are; columns: whose each of the R columns of `down` is
    up:      [R, out], or [R + M, out] with the shifts of the M members behind
    stretch: [M, out] or None
    """

    members: tuple[int, ...]
    columns: tuple[int, ...]
    form: Settled
    shifts: bool
    stretch: Tensor | None

    def of_rows(self, own: Tensor, mask: Tensor | None) -> Act:
        """own: [B] each row's adapter."""
        mine = own[:, None] == torch.tensor(self.members, device=own.device)  # [B, M]
        ones = mine.to(self.form.up.dtype) if self.shifts else None
        stretch = None if self.stretch is None else mine.to(self.stretch.dtype) @ self.stretch
        return _Act(self.form, mask, ones, stretch)


@dataclass(slots=True, eq=False)
class _Act:
    """A stack for rows that stand in this order: what `Settled` says, with `stretch` [B, out] for each row."""

    form: Settled
    mask: Tensor | None
    ones: Tensor | None
    stretch: Tensor | None

    def __call__(self, x: Tensor, y: Tensor) -> None:
        form = self.form
        z = (y if form.inner else x).to(form.down.dtype)
        low = z @ form.down if form.start is None else torch.addmm(form.start, z, form.down)
        low = low if form.f is None else form.f(low)
        low = low if self.mask is None else low.masked_fill_(self.mask, 0)
        low = low if self.ones is None else torch.cat([low, self.ones], dim=1)
        if self.stretch is None and low.dtype == y.dtype:
            y.addmm_(low, form.up)
            return
        change = low @ form.up
        if self.stretch is not None:
            change.addcmul_(self.stretch, y.to(change.dtype))
        y += change.to(y.dtype)


def _stack(parts: Sequence[tuple[int, Settled]]) -> _Stack:
    changes = [change for _, change in parts]
    first = changes[0]
    shifts = any(change.shift is not None for change in changes)
    rows = [_filled(change.shift, change.up)[None] for change in changes] if shifts else []
    starts = [_filled(change.start, change.down) for change in changes]
    form = Settled(
        down=_joined([change.down for change in changes], dim=1),
        up=_joined([*(change.up for change in changes), *rows], dim=0),
        start=torch.cat(starts) if any(change.start is not None for change in changes) else None,
        f=first.f,
        inner=first.inner,
    )
    stretched = any(change.stretch is not None for change in changes)
    stretch = torch.stack([_filled(change.stretch, change.up) for change in changes]) if stretched else None
    columns = tuple(number for number, change in parts for _ in range(change.down.shape[1]))
    return _Stack(tuple(number for number, _ in parts), columns, form, shifts, stretch)


def _filled(vector: Tensor | None, like: Tensor) -> Tensor:
    """A vector as long as the rows of `like`; zeros where there is none."""
    return like.new_zeros(like.shape[1]) if vector is None else vector


def _joined(parts: Sequence[Tensor], dim: int) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim)
