"""P-tuning: the virtual tokens are what a small encoder makes of free vectors.

Source: Liu et al. 2021, GPT Understands, Too, https://arxiv.org/abs/2103.10385, section 3.2. On saving the encoder's
output is kept as plain vectors, as PEFT does; the encoder is kept beside them for further training.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.methods.settings import MethodSettings
from capotasto.methods.soft import SoftPrompt, vectors_of


class PTuningAdapter(SoftPrompt):
    """A soft prompt behind an encoder. The encoder's change starts at zero: training starts at the given vectors."""

    method = "ptuning"
    begun: Tensor
    scale: Tensor

    def __init__(self, vectors: Tensor, encoder: str = "mlp", seed: int = 0, **facts: Any):
        super().__init__(vectors, **facts)
        width, dtype = vectors.shape[1], self.initial.dtype
        self.kind = encoder
        self.register_buffer("begun", self.initial.clone(), persistent=False)
        self.register_buffer("scale", self.initial.square().mean().sqrt())
        self.inputs = nn.Parameter(self.initial / self.scale)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.lstm = nn.LSTM(width, width // 2, num_layers=2, bidirectional=True) if encoder == "lstm" else None
            last = nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, width), nn.ReLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.to(dtype)

    @override
    def embeds(self) -> Tensor:
        """[P, E]: start + scale · encoder(inputs)."""
        states = self.inputs if self.lstm is None else self.lstm(self.inputs)[0]
        return self.begun + self.scale * self.mlp(states)

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        return cls(vectors_of(tensors, base, where), config.get("encoder", "mlp"), **facts)

    @classmethod
    def _over(cls, vectors: Tensor, settings: MethodSettings, seed: int, **facts: Any) -> Self:
        return cls(vectors, settings.encoder, seed, **facts)

    @override
    def beside(self) -> dict[str, Tensor]:
        """The encoder with its inputs."""
        return {
            "start": self.begun,
            "scale": self.scale,
            **{name: value.detach() for name, value in self.named_parameters()},
        }

    @override
    def shape(self) -> dict[str, Any]:
        return {"encoder": self.kind}

    @override
    def go_on(self, kept: dict[str, Tensor]) -> None:
        """Take up the encoder that was kept."""
        self.begun, self.scale = kept["start"], kept["scale"]
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                parameter.copy_(kept[name])

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        """The encoder sets its own scale, so the usual rate of small networks."""
        return 1e-3, "1e-3, as for any small network"

    @override
    def config(self, base: FrozenBase) -> dict[str, Any] | None:
        """PEFT's P_TUNING reads plain vectors when it does not train."""
        config = super().config(base)
        if config is None:
            return None
        keys = {"peft_type": "P_TUNING", "encoder_reparameterization_type": self.kind.upper()}
        rest = {"encoder_hidden_size": base.embedding_size, "encoder_num_layers": 2, "encoder_dropout": 0.0}
        return {key: value for key, value in {**config, **keys, **rest}.items() if "prompt_tuning" not in key}
