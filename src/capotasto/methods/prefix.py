"""Prefix tuning: P keys and values before each layer's own, all else frozen.

Sources: Li and Liang 2021, https://arxiv.org/abs/2101.00190, section 4; Cartridges, https://arxiv.org/abs/2506.06266,
section 3, for prefixes that start as the cache of real text with a frozen first token.
"""

from collections.abc import Sequence
from inspect import signature
from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError
from capotasto.methods.adapter import Adapter
from capotasto.methods.projection import Projection
from capotasto.methods.settings import MethodSettings
from capotasto.methods.soft import KEY


class PrefixAdapter(Adapter):
    """A prefix of learned keys and values.

    cache:     [L, 2, K, P, D] what to start from: the cache of a text, or of a soft prompt, or noise
    frozen:    so many first tokens stay as they are
    projected: in training the others are what a small network makes (see `projection`), drawn from `seed`
    layers:    only these learn; left out: all. In the others the keys and values stay what they start from, so that
               training begins where that text or soft prompt does, and PEFT still finds every layer's
    """

    method = "prefix"
    grows = True
    begins = "text, labels, vocab, examples, random or from:DIR"
    initial: Tensor
    first: Tensor
    still: Tensor
    numbers: Tensor

    def __init__(
        self,
        cache: Tensor,
        frozen: int = 0,
        projected: bool = False,
        seed: int = 0,
        layers: Sequence[int] | None = None,
        **facts: Any,
    ):
        super().__init__(**facts)
        wide = cache.detach().to(torch.promote_types(cache.dtype, torch.float32)).clone()
        self.frozen = min(frozen, wide.shape[3])
        self.layers = None if layers is None else list(layers)
        self.register_buffer("initial", wide, persistent=False)
        if self.layers is not None:
            self.register_buffer("still", wide.clone())
            self.register_buffer("numbers", torch.tensor(self.layers, device=wide.device), persistent=False)
        learning = wide if self.layers is None else wide[self.layers]
        self.register_buffer("first", learning[:, :, :, : self.frozen].clone())
        rest = learning[:, :, :, self.frozen :].clone()
        self.projection = Projection(rest, seed) if projected else None
        self.rest = nn.Parameter(rest) if self.projection is None else None

    @override
    def kv(self) -> Tensor:
        """[L, 2, K, P, D]."""
        rest = self.rest if self.projection is None else self.projection()
        assert rest is not None
        learning = torch.cat([self.first, rest], dim=3)
        return learning if self.layers is None else self.still.index_copy(0, self.numbers, learning)

    @override
    def learns_from(self) -> int:
        return 0 if self.layers is None else min(self.layers)

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        """Noise of variance 1. What starts from a text or a soft prompt needs the base to run and is made by
        `promote`. Errors: layers that keep this noise."""
        if settings.layers is not None:
            raise SettingError(
                "--init random leaves noise in the layers that --layers does not name; start from text:YOUR WORDS, or"
                " leave one of the two out"
            )
        shape = (base.layers, 2, base.kv_heads, settings.tokens, base.head_size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        start = {"kind": "random", "detail": "", "seed": seed, **facts.pop("start", {})}
        return cls(noise, 0, settings.prefix_projection, seed, start=start, **facts).to(base.device)

    def behind_network(self, seed: int) -> "PrefixAdapter":
        """The same untrained prefix, to be trained through a small network."""
        facts = {name: getattr(self, name) for name in ("name", "fingerprint", "placement", "start", "dialogue")}
        return PrefixAdapter(self.initial, self.frozen, True, seed, self.layers, **facts).to(self.initial.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        """Every number moves by about the rate: a share of the cache's own spread, as for soft prompts."""
        if self.projection is not None:
            return 1e-3, "1e-3, as for any small network"
        learning = self.initial if self.layers is None else self.initial[self.layers]
        rms = float(learning.square().mean().sqrt()) or 1.0
        return 0.02 * rms, f"0.02 × the prefix's root mean square ({rms:.3g})"

    @override
    def beside(self) -> dict[str, Tensor]:
        """The network with its inputs."""
        return {} if self.projection is None else dict(self.projection.state_dict())

    @override
    def go_on(self, kept: dict[str, Tensor]) -> None:
        """Take up the network that was kept."""
        if self.projection is not None:
            self.projection.load_state_dict(kept)

    @override
    def tensors(self) -> dict[str, Tensor]:
        """[P, L·2·K·D], PEFT's order."""
        cache = self.kv().detach()
        return {KEY: cache.permute(3, 0, 1, 2, 4).reshape(cache.shape[3], -1)}

    @override
    def shape(self) -> dict[str, Any]:
        named = {} if self.layers is None else {"layers": self.layers}
        return {"num_frozen_tokens": self.frozen, "projected": self.projection is not None, **named}

    @override
    def config(self, base: FrozenBase) -> dict[str, Any] | None:
        """The keys PEFT reads (https://huggingface.co/docs/peft/package_reference/prefix_tuning).

        With frozen first tokens it is PEFT's CARTRIDGE (0.19 or newer), which keeps the same tensor and their number.
        None where the model takes no keys and values (DistilBERT): PEFT would leave the prefix out without a word.
        """
        if "past_key_values" not in signature(type(base.model).forward).parameters:
            return None
        shared = {
            "task_type": base.task_type,
            "base_model_name_or_path": str(base.folder or base.name),
            "inference_mode": True,
            "num_virtual_tokens": self.tokens,
            "token_dim": base.kv_heads * base.head_size,
            "num_transformer_submodules": 1,
            "num_attention_heads": base.kv_heads,
            "num_layers": base.layers,
        }
        if self.frozen:
            return {"peft_type": "CARTRIDGE", **shared, "num_frozen_tokens": self.frozen}
        encoder = {"encoder_hidden_size": shared["token_dim"], "prefix_projection": False}  # folded already
        return {"peft_type": "PREFIX_TUNING", **shared, **encoder}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        """PEFT's PREFIX_TUNING and CARTRIDGE keep the same tensor."""
        flat = tensors[KEY]
        shape = (base.layers, 2, base.kv_heads, base.head_size)
        if flat.ndim != 2 or flat.shape[1] != torch.Size(shape).numel() or not len(flat):
            raise AdapterError(
                f"{where} holds a prefix of {'×'.join(map(str, flat.shape))} numbers, and a token of"
                f" {base.name} has {torch.Size(shape).numel()} keys and values; choose the base it was made for"
            )
        frozen = int(config.get("num_frozen_tokens") or 0)
        cache = flat.view(len(flat), *shape).permute(1, 2, 3, 0, 4)
        return cls(cache, frozen, bool(config.get("projected")), layers=config.get("layers") or None, **facts)
