"""Gated prefix: keys and values beside each layer's own, attended apart and let in through a gate that starts closed.

Source: LLaMA-Adapter, https://arxiv.org/abs/2303.16199, section 3.2. Training starts exactly at the base. The gate acts
on what the prefix adds to attention, which plain keys and values cannot express: PEFT's PREFIX_TUNING cannot read it.
Unlike the paper's, keys and values are learned as they are, and every layer has them unless some are named.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter, Gated
from capotasto.methods.linears import layer_numbers
from capotasto.methods.settings import MethodSettings


class GatedAdapter(Adapter):
    """`attention + tanh(gate) · attention to the prefix` in each head, and in each layer or those that are named.

    layers: numbers of the layers
    cache:  [their count, 2, K, P, D] keys and values to start from, not rotated
    heads:  Hq, the heads that ask; the gates are [count of layers, Hq]
    """

    method = "gated"

    def __init__(self, layers: Sequence[int], cache: Tensor, heads: int, **facts: Any):
        super().__init__(**facts)
        self.layers = list(layers)
        wide = cache.detach().to(torch.promote_types(cache.dtype, torch.float32))
        self.cache = nn.Parameter(wide.clone())
        self.gates = nn.Parameter(wide.new_zeros(len(wide), heads))

    @override
    def gated(self) -> list[Gated]:
        return [dict(zip(self.layers, zip(self.cache, torch.tanh(self.gates), strict=True), strict=True))]

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        layers = range(base.layers) if settings.layers is None else layer_numbers(base, settings.layers)
        shape = (len(layers), 2, base.kv_heads, settings.tokens, base.head_size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        start = {"kind": "closed gates", "detail": "", "seed": seed}
        return cls(layers, noise, base.config.num_attention_heads, **{**facts, "start": start}).to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 1e-2, "1e-2, for gates that open from zero"

    @override
    def tensors(self) -> dict[str, Tensor]:
        return {"cache": self.cache.detach(), "gates": self.gates.detach()}

    @override
    def shape(self) -> dict[str, Any]:
        return {"layers": self.layers}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        cache, gates = tensors["cache"], tensors["gates"]
        heads, layers = base.config.num_attention_heads, list(config.get("layers") or range(base.layers))
        layer = (len(layers), 2, base.kv_heads, base.head_size)
        fits = cache.ndim == 5 and (*cache.shape[:3], cache.shape[4]) == layer and gates.shape == (len(layers), heads)
        if not fits or max(layers) >= base.layers:
            raise AdapterError(f"{where} does not fit {base.name}; choose the base it was made for")
        made = cls(layers, cache, heads, **facts)
        with torch.no_grad():
            made.gates.copy_(gates)
        return made
