"""Adapter layers: a small network after sub-layers of the frozen base, added to what they give.

Sources: Houlsby et al. 2019, https://arxiv.org/abs/1902.00751, section 2.1 (after attention and feed-forward);
Pfeiffer et al. 2020, https://arxiv.org/abs/2005.00247, section 3.2 (after feed-forward only). Where the networks stand
and what lies between is AdapterHub's DoubleSeqBn and SeqBn (https://docs.adapterhub.ml/methods.html, Bottleneck
Adapters) on decoders that norm before each sub-layer: after the sub-layer's last linear layer, before the residual is
added, with SiLU for `houlsby` and ReLU for `pfeiffer`. One thing differs: SeqBn's network reads the sub-layer's output
with the residual added (`original_ln_before`), ours the output alone; both add to the output. Where a base norms after
a sub-layer (OPT-350m, Gemma 2), the network stands before that norm.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError
from capotasto.methods.adapter import Adapter, Delta
from capotasto.methods.linears import Linear, ends, of_layers, sizes
from capotasto.methods.settings import MethodSettings
from capotasto.methods.settled import Settled

ACTIVATIONS = {"relu": torch.relu, "silu": nn.functional.silu}
_OF_SITES = {"houlsby": "silu", "pfeiffer": "relu"}


class BottleneckAdapter(Adapter):
    """`y + up · f(down · y + a) + b` after a sub-layer whose last linear layer gives y.

    layers:     name of that linear layer → the layer
    width:      of the bottleneck
    activation: f, by its name in `ACTIVATIONS`
    The last matrix starts at zero, so that training starts at the base.
    """

    method = "bottleneck"
    linear = False

    def __init__(self, layers: Mapping[str, Linear], width: int, activation: str = "relu", seed: int = 0, **facts: Any):
        super().__init__(**facts)
        self.width, self.activation = width, activation
        generator = torch.Generator().manual_seed(seed)
        for name, layer in layers.items():
            _, size = sizes(layer)
            dtype = torch.promote_types(layer.weight.dtype, torch.float32)
            down = torch.randn(width, size, generator=generator) * 0.02
            parts = {"down": down, "a": torch.zeros(width), "up": torch.zeros(size, width), "b": torch.zeros(size)}
            for part, value in parts.items():
                self.register_parameter(_key(name, part), nn.Parameter(value.to(dtype)))
        self.names = list(layers)

    @override
    def deltas(self) -> dict[str, Delta]:
        return {name: partial(self._delta, name) for name in self.names}

    @override
    def settled(self) -> dict[str, list[Settled]]:
        found = {}
        for name in self.names:
            down, a, up, b = self._parts(name)
            found[name] = [Settled(down.T, up.T, start=a, shift=b, f=ACTIVATIONS[self.activation], inner=True)]
        return found

    def _parts(self, name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """down, a, up, b."""
        down, a, up, b = (self.get_parameter(_key(name, part)) for part in ("down", "a", "up", "b"))
        return down, a, up, b

    def _delta(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """[.., in], [.., H] → [.., H]."""
        down, a, up, b = self._parts(name)
        inner = ACTIVATIONS[self.activation](y.to(down.dtype) @ down.T + a)
        return (inner @ up.T + b).to(y.dtype)

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        layers = of_layers(base, ends(base, attention=settings.sites == "houlsby"), settings.layers)
        size = min(sizes(layer)[1] for layer in layers.values())
        if settings.reduction > size:
            raise SettingError(f"reduction {settings.reduction} leaves nothing of {size}; choose a smaller --reduction")
        return cls(layers, size // settings.reduction, _OF_SITES[settings.sites], seed, **facts).to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 2e-3, "2e-3, between the two best of a search on one writing task"

    @override
    def tensors(self) -> dict[str, Tensor]:
        return {name.replace("/", "."): value.detach() for name, value in self.named_parameters()}

    @override
    def shape(self) -> dict[str, Any]:
        return {"activation": self.activation}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        known = ends(base, attention=True)
        names = sorted({key.rsplit(".", 1)[0] for key in tensors})
        if not names or any(name not in known for name in names):
            raise AdapterError(f"{where} is made for layers that {base.name} does not have; choose its base")
        width = next(len(value) for key, value in tensors.items() if key.endswith(".down"))
        adapter = cls({name: known[name] for name in names}, width, config.get("activation", "relu"), **facts)
        own = adapter.tensors()
        if own.keys() != tensors.keys() or any(own[key].shape != tensors[key].shape for key in own):
            raise AdapterError(f"{where} does not fit {base.name}; choose the base it was made for")
        with torch.no_grad():
            for key, value in own.items():
                value.copy_(tensors[key])
        return adapter


def _key(name: str, part: str) -> str:
    return f"{name}.{part}".replace(".", "/")
