"""Prompts to the keys and values that their answers begin from, whole or in pieces."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.decoding.row import Row
from capotasto.types import Encoded


@dataclass(slots=True, eq=False)
class Filling:
    """A row whose prompt is being computed.

    before: keys and values [L, 2, K, S, D] of what is computed, virtual tokens included, or None
    done:   so many tokens of the prompt are computed
    """

    row: Row
    before: Tensor | None = None
    done: int = 0

    @property
    def left(self) -> int:
        """Tokens still to be computed."""
        return len(self.row.prompt.ids) - self.done

    @property
    def places(self) -> int:
        """Places of what is computed; virtual tokens count from the beginning."""
        return self.row.length - self.left

    def piece(self, most: int) -> Encoded:
        """The next tokens: at most so many, or up to behind the virtual tokens, which are never torn off."""
        prompt = self.row.prompt
        stop = self.done + most if self.before is not None else max(most, prompt.slot + 1)
        ids = prompt.ids[self.done : stop]
        return Encoded(ids, (False,) * len(ids), prompt.slot if self.before is None else 0)


@dataclass(frozen=True, slots=True, eq=False)
class Prefilled:
    """B rows whose prompts are computed.

    states:  [B, H] last states
    cache:   keys and values [.., K, S, D], of which row i is number `i`
    lengths: places filled in each
    """

    rows: list[Row]
    states: Tensor
    cache: forward.Cache
    lengths: list[int]


@torch.no_grad()
def prefill(base: FrozenBase, fillings: Sequence[Filling], most: int | None = None) -> Prefilled | None:
    """Compute the prompts of rows that may share a batch, the first ones first.

    most:    so many tokens, not counting virtual ones; None: all
    returns: the rows whose prompts are computed by now, or None; another may have a longer `before`
    Where it raises, nothing has changed.
    """
    parts = _parts(fillings, most)
    pieces = [piece for _, piece in parts]
    adapters = [filling.row.adapter for filling, _ in parts]
    hidden = forward.run(base, pieces, adapters, keep=True, before=[filling.before for filling, _ in parts])
    lengths, cache = hidden.layout.seen.lengths.tolist(), hidden.cache or {}
    ready = len(parts) - (parts[-1][0].left > len(pieces[-1].ids))  # only the last one may be a beginning
    before = of_row(cache, ready, lengths[ready]) if ready < len(parts) else None
    states = hidden.states[hidden.last()[:ready]]
    kept = {layer: (keys[:ready], values[:ready]) for layer, (keys, values) in cache.items()}
    for filling, piece in parts:
        filling.done += len(piece.ids)
    if before is not None:
        parts[-1][0].before = before
    return Prefilled([filling.row for filling, _ in parts[:ready]], states, kept, lengths[:ready]) if ready else None


def _parts(fillings: Sequence[Filling], most: int | None) -> list[tuple[Filling, Encoded]]:
    """What is computed now: whole prompts as long as there is room, then the beginning of one.

    Keys and values stand as wide as the longest row's; with `most`, no more of that is padding than is filled.
    """
    parts: list[tuple[Filling, Encoded]] = []
    left, filled, widest = most, 0, 0
    for filling in fillings:
        if left is not None and left <= 0:
            break
        piece = filling.piece(filling.left if left is None else left)
        places = filling.places + len(piece.ids)
        filled, widest = filled + places, max(widest, places)
        if left is not None and (len(parts) + 1) * widest > 2 * filled:
            break
        parts.append((filling, piece))
        left = None if left is None else left - max(1, len(piece.ids))
    return parts


def of_row(cache: forward.Cache, row: int, length: int) -> Tensor:
    """[L, 2, K, S, D] of one row."""
    pairs = [torch.stack([part[row, :, :length] for part in pair]) for _, pair in sorted(cache.items())]
    return torch.stack(pairs)
