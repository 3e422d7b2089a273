"""Gated prefix: keys and values beside each layer's own, attended apart and let in through a gate that starts closed.

Source: LLaMA-Adapter, https://arxiv.org/abs/2303.16199, section 3.2. Training starts exactly at the base. The gate acts
on what the prefix adds to attention, which plain keys and values cannot express: PEFT's PREFIX_TUNING cannot read it.
Unlike the paper's, keys and values are learned as they are, and every layer has them.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings


class GatedAdapter(Adapter):
    """`attention + tanh(gate) · attention to the prefix` in each layer and head.

    cache: [L, 2, K, P, D] keys and values to start from, not rotated
    heads: Hq, the heads that ask; the gates are [L, Hq]
    """

    method = "gated"

    def __init__(self, cache: Tensor, heads: int, **facts: Any):
        super().__init__(**facts)
        wide = cache.detach().to(torch.promote_types(cache.dtype, torch.float32))
        self.cache = nn.Parameter(wide.clone())
        self.gates = nn.Parameter(wide.new_zeros(len(wide), heads))

    @override
    def gated(self) -> list[tuple[Tensor, Tensor]]:
        return [(self.cache, torch.tanh(self.gates))]

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        shape = (base.layers, 2, base.kv_heads, settings.tokens, base.head_size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        start = {"kind": "closed gates", "detail": "", "seed": seed}
        return cls(noise, base.config.num_attention_heads, **{**facts, "start": start}).to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 1e-2, "1e-2, for gates that open from zero"

    @override
    def tensors(self) -> dict[str, Tensor]:
        return {"cache": self.cache.detach(), "gates": self.gates.detach()}

    @override
    def config(self, base: FrozenBase) -> None:
        """PEFT has no such method for models at large."""

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        cache, gates = tensors["cache"], tensors["gates"]
        heads = base.config.num_attention_heads
        layer = (base.layers, 2, base.kv_heads, base.head_size)
        if cache.ndim != 5 or (*cache.shape[:3], cache.shape[4]) != layer or gates.shape != (base.layers, heads):
            raise AdapterError(f"{where} does not fit {base.name}; choose the base it was made for")
        made = cls(cache, heads, **facts)
        with torch.no_grad():
            made.gates.copy_(gates)
        return made
