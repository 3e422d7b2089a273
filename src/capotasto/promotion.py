"""From virtual tokens to a prefix by one pass through the base, without changing what it does.

A soft prompt acts on what follows only through the keys and values that its positions have in each layer; a prefix that
starts from these does the same, and can learn more: 2·L·K·D numbers a token instead of E.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter
from capotasto.methods.prefix import PrefixAdapter
from capotasto.methods.stacked import stack
from capotasto.types import Encoded


@torch.no_grad()
def cache_of(base: FrozenBase, row: Encoded, adapter: Adapter | None) -> Tensor:
    """[L, 2, K, S, D] keys and values of a row, its virtual tokens included."""
    kept = forward.run(base, [row], [adapter], keep=True).cache or {}
    return torch.stack([torch.stack([key[0], value[0]]) for _, (key, value) in sorted(kept.items())])


def promote(
    base: FrozenBase,
    adapter: Adapter,
    frozen: int = 0,
    on: Adapter | None = None,
    layers: Sequence[int] | None = None,
) -> PrefixAdapter:
    """A prefix that does what the virtual tokens of `adapter` do; on an encoder only nearly, because there the virtual
    tokens see what stands behind them.

    frozen: so many first tokens will not learn
    on:     an adapter that acts beneath it, and before whose virtual tokens it does not stand
    layers: only these will learn; left out: all
    Errors: an adapter without virtual tokens, or whose virtual tokens do not stand at the front.
    """
    if adapter.embeds() is None or adapter.deltas() or adapter.gated() or adapter.placement != "front":
        raise AdapterError(
            f"{adapter.name} cannot become a prefix: only virtual tokens that stand at the front, and nothing else, can"
        )
    cache = cache_of(base, Encoded((), ()), stack(base, on, adapter))[:, :, :, -adapter.tokens :]
    facts: dict[str, Any] = {"name": adapter.name, "fingerprint": adapter.fingerprint, "dialogue": adapter.dialogue}
    start = {"kind": "promoted", "detail": adapter.start}
    return PrefixAdapter(cache, frozen, layers=layers, start=start, **facts).to(base.device)
