"""LoRA: a low-rank change of frozen linear layers, and DoRA, which learns the weights' lengths apart.

Sources: Hu et al. 2021, https://arxiv.org/abs/2106.09685, section 4; rsLoRA, https://arxiv.org/abs/2312.03732,
section 3; DoRA, https://arxiv.org/abs/2402.09353, section 4. Names of tensors and the start are PEFT's.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError
from capotasto.methods.adapter import Adapter, Delta
from capotasto.methods.biases import biases
from capotasto.methods.biases import chosen as chosen_biases
from capotasto.methods.linears import Linear, chosen, linears, sizes, weight_of
from capotasto.methods.settings import MethodSettings
from capotasto.methods.settled import Settled

_PREFIX = "base_model.model."
_UNKNOWN = (  # what PEFT's LoRA can hold and this one does not compute
    *("rank_pattern", "alpha_pattern", "modules_to_save", "layer_replication", "trainable_token_indices"),
    *("use_qalora", "alora_invocation_tokens"),
)


class LoraAdapter(Adapter):
    """`y + scale · B A x` at each target.

    layers: name of a target → the frozen layer
    scale:  what the change is multiplied by
    biased: name of a layer, target or not → its frozen bias [out], of which a copy is learned too
    """

    method = "lora"

    def __init__(
        self,
        layers: Mapping[str, Linear],
        *,
        rank: int,
        alpha: float,
        rslora: bool = False,
        dora: bool = False,
        dropout: float = 0.0,
        bias: str = "none",
        biased: Mapping[str, Tensor] | None = None,
        seed: int = 0,
        **facts: Any,
    ):
        super().__init__(**facts)
        self.bias, self._biased = bias, dict(biased or {})
        self.rank, self.alpha, self.rslora, self.dropout = rank, alpha, rslora, dropout
        self.scale = alpha / (math.sqrt(rank) if rslora else rank)
        self._random: torch.Generator | None = None
        self._layers = dict(layers)  # a plain dictionary of frozen layers: they are not this module's own
        self.down, self.up = nn.ParameterDict(), nn.ParameterDict()
        self.length = nn.ParameterDict() if dora else None
        generator = torch.Generator().manual_seed(seed)
        for name, layer in layers.items():
            into, out = sizes(layer)
            dtype = torch.promote_types(layer.weight.dtype, torch.float32)
            bound = 1 / math.sqrt(into)  # nn.Linear's own start, which PEFT uses for A; B starts at zero
            start = (torch.rand(rank, into, generator=generator) * 2 - 1) * bound
            self.down[_key(name)] = nn.Parameter(start.to(dtype))
            self.up[_key(name)] = nn.Parameter(torch.zeros(out, rank, dtype=dtype))
            if self.length is not None:
                self.length[_key(name)] = nn.Parameter(weight_of(layer).to(dtype).norm(dim=1).cpu())
        self.biases = nn.ParameterDict()
        for name, value in self._biased.items():
            dtype = torch.promote_types(value.dtype, torch.float32)
            self.biases[_key(name)] = nn.Parameter(value.detach().to(dtype).clone().cpu())

    @override
    def deltas(self) -> dict[str, Delta]:
        return {name: partial(self._delta, name) for name in {**self._layers, **self._biased}}

    def _delta(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """[.., in], [.., out] → [.., out]."""
        change = self._low_rank(name, x, y) if name in self._layers else y.new_zeros(())
        if name in self._biased:
            change = change + (self.biases[_key(name)] - self._biased[name])
        return change.to(y.dtype).expand_as(y)

    def _low_rank(self, name: str, x: Tensor, y: Tensor) -> Tensor:
        """[.., in], [.., out] → [.., out]."""
        down, up = self.down[_key(name)], self.up[_key(name)]
        change = (self._kept(x.to(down.dtype)) @ down.T) @ (up * self.scale).T  # the small factor is scaled
        return change if self.length is None else self._directed(name, y.to(change.dtype), change)

    def _kept(self, x: Tensor) -> Tensor:
        """Dropout, with random numbers of this adapter's own."""
        if not (self.training and self.dropout):
            return x
        keep = torch.rand(x.shape, generator=self._random, device=x.device) >= self.dropout
        return x * keep / (1 - self.dropout)

    @override
    def reseed(self, seed: int) -> None:
        device = next(self.parameters()).device
        self._random = torch.Generator(device).manual_seed(seed)

    def _directed(self, name: str, y: Tensor, change: Tensor) -> Tensor:
        """DoRA: the outputs' weights keep a learned length and change only their direction otherwise."""
        layer, ratio = self._layers[name], self._ratio(name)
        plain = y if layer.bias is None else y - layer.bias
        return (ratio - 1) * plain + ratio * change

    def _ratio(self, name: str) -> Tensor:
        """[out] DoRA's learned lengths by those that the weights have with the change."""
        assert self.length is not None
        down, up = self.down[_key(name)], self.up[_key(name)]
        weight = weight_of(self._layers[name]).to(up.dtype) + self.scale * up @ down  # [out, in]
        return self.length[_key(name)] / weight.norm(dim=1).detach()  # section 4.3: no gradient through the length

    @override
    def settled(self) -> dict[str, list[Settled]]:
        return {name: [self._settled(name)] for name in {**self._layers, **self._biased}}

    def _settled(self, name: str) -> Settled:
        shift = self.biases[_key(name)] - self._biased[name] if name in self._biased else None
        if name not in self._layers:
            assert shift is not None
            return Settled(shift.new_zeros(len(shift), 0), shift.new_zeros(0, len(shift)), shift=shift, inner=True)
        down, up = self.down[_key(name)].T, (self.up[_key(name)] * self.scale).T
        if self.length is None:
            return Settled(down, up, shift=shift)
        ratio, bias = self._ratio(name), self._layers[name].bias
        if bias is not None:  # it stays as long as it is
            moved = (1 - ratio) * bias
            shift = moved if shift is None else shift + moved
        return Settled(down, up * ratio, shift=shift, stretch=ratio - 1)

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        layers = chosen(base, settings.targets, settings.layers)
        narrow = min(layers, key=lambda name: min(sizes(layers[name])))
        if settings.rank > min(sizes(layers[narrow])):
            raise SettingError(
                f"rank {settings.rank} is larger than the layer {narrow} ({'×'.join(map(str, sizes(layers[narrow])))});"
                f" choose --rank {min(sizes(layers[narrow]))} or less"
            )
        shape = {key: getattr(settings, key) for key in ("rank", "alpha", "rslora", "dora", "dropout", "bias")}
        found = chosen_biases(base, settings.bias, layers)
        return cls(layers, **shape, biased=found, seed=seed, **facts).to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 2e-3, "2e-3, between the two best of a search on one writing task"

    def factors(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Name of a target → A [rank, in] and B [out, rank], whose product `scale` multiplies."""
        return {name: (self.down[_key(name)], self.up[_key(name)]) for name in self._layers}

    @override
    def tensors(self) -> dict[str, Tensor]:
        found = {}
        for name in self._layers:
            found[f"{_PREFIX}{name}.lora_A.weight"] = self.down[_key(name)].detach()
            found[f"{_PREFIX}{name}.lora_B.weight"] = self.up[_key(name)].detach()
            if self.length is not None:
                found[f"{_PREFIX}{name}.lora_magnitude_vector"] = self.length[_key(name)].detach()
        for name in self._biased:
            inside = ".base_layer" if name in self._layers else ""  # PEFT wraps its targets
            found[f"{_PREFIX}{name}{inside}.bias"] = self.biases[_key(name)].detach()
        return found

    @override
    def config(self, base: FrozenBase) -> dict[str, Any]:
        """The keys PEFT reads (https://huggingface.co/docs/peft/package_reference/lora)."""
        return {
            "peft_type": "LORA",
            "task_type": base.task_type,
            "base_model_name_or_path": str(base.folder or base.name),
            "inference_mode": True,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "use_rslora": self.rslora,
            "use_dora": self.length is not None,
            "target_modules": sorted(self._layers),
            "fan_in_fan_out": any(not isinstance(layer, nn.Linear) for layer in self._layers.values()),
            "bias": self.bias,
        }

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        _supported(config, where)
        names = sorted({key.removeprefix(_PREFIX).rsplit(".lora_", 1)[0] for key in tensors if ".lora_" in key})
        known = linears(base.model)
        if not names:
            raise AdapterError(f"{where} holds no low-rank change; name the folder that `capo tune` or PEFT wrote")
        if any(name not in known for name in names):
            unknown = next(name for name in names if name not in known)
            raise AdapterError(f"{where} changes {unknown}, which {base.name} does not have; choose its base")
        adapter = cls(
            {name: known[name] for name in names},
            bias=config.get("bias", "none"),
            biased=_with_bias(tensors, base, where),
            rank=config["r"],
            alpha=config["lora_alpha"],
            rslora=config.get("use_rslora", False),
            dora=config.get("use_dora", False),
            dropout=config.get("lora_dropout", 0.0),
            **facts,
        )
        own = adapter.tensors()
        for key, value in tensors.items():
            if key not in own or own[key].shape != value.shape:
                raise AdapterError(f"{where}: {key} does not fit this base and its own config; take it again")
        with torch.no_grad():
            for key, value in own.items():
                value.copy_(tensors[key])
        return adapter


def _with_bias(tensors: dict[str, Tensor], base: FrozenBase, where: str) -> dict[str, Tensor]:
    """Name → bias of this base that is among the tensors. Errors: this base has none there."""
    known = biases(base.model)
    keys = [key.removeprefix(_PREFIX) for key in tensors if key.endswith(".bias")]
    names = [key.removesuffix(".bias").removesuffix(".base_layer") for key in keys]
    if unknown := [name for name in names if name not in known]:
        raise AdapterError(f"{where} has a bias for {unknown[0]}, where {base.name} can learn none; choose its base")
    return {name: known[name] for name in names}


def _supported(config: dict[str, Any], where: str) -> None:
    """Errors: what PEFT's LoRA can hold and this one does not compute."""
    for key in _UNKNOWN:
        if config.get(key):
            raise AdapterError(f"{where} uses PEFT's {key}, which is not supported; merge it with PEFT first")
    start = str(config.get("init_lora_weights", ""))
    if start.startswith(("pissa", "olora", "corda")):
        raise AdapterError(f"{where} belongs to weights that PEFT changed at its start ({start}); convert it with PEFT")


def _key(name: str) -> str:
    """Dots mean nesting to torch."""
    return name.replace(".", "/")
