"""Residual prompt tuning: in training a virtual token is a vector plus what a shared shallow network makes of it.

Source: Razdaibiedina et al. 2023, Residual Prompt Tuning, https://arxiv.org/abs/2305.03937, section 3. The network's
last layer starts at zero, so that training starts at the given vectors; it is folded into plain vectors on saving.
"""

from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.methods.soft import SoftPrompt

WIDTH = 4  # the network's hidden layer is the embedding's width divided by this
_NORMAL, _RELU = 0.8, 0.4  # mean size of a number drawn from a normal distribution, and of what is left above zero


class ResidualAdapter(SoftPrompt):
    """A soft prompt with a shared network beside it until it is saved."""

    method = "residual"

    def __init__(self, vectors: Tensor, **facts: Any):
        super().__init__(vectors, **facts)
        width = vectors.shape[1]
        self.vectors = nn.Parameter(self.initial.clone())
        self.scale = float(self.initial.float().square().mean().sqrt())
        generator = torch.Generator().manual_seed(int(self.start.get("seed", 0)))
        down = torch.randn(max(1, width // WIDTH), width, generator=generator) / width**0.5
        self.down = nn.Parameter(down.to(self.initial.dtype))
        self.up = nn.Parameter(self.initial.new_zeros(width, len(down)))

    @override
    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """A step moves what a layer of the network gives, for its size, about as far as it moves a vector: all numbers
        of a row of weights move at once, so that each has to move the less the more there are."""
        hidden, width = self.down.shape
        ups, downs = (1 / (self.scale * mean * count) for mean, count in ((_RELU, hidden), (_NORMAL, width)))
        return [([self.vectors], 1.0), ([self.up], ups), ([self.down], downs)]

    @override
    def embeds(self) -> Tensor:
        """[P, E]: vectors + scale · up · relu(down · normed vectors)."""
        normed = nn.functional.layer_norm(self.vectors, self.vectors.shape[-1:])
        return self.vectors + self.scale * torch.relu(normed @ self.down.T) @ self.up.T
