"""Keys and values that a small network makes of free vectors while a prefix is trained.

Source: Li and Liang 2021, https://arxiv.org/abs/2101.00190, section 4.3 (PEFT: `prefix_projection`). The network's last
layer starts at zero, so that training starts at the given keys and values; it is folded into them on saving.
"""

import torch
from torch import Tensor, nn


class Projection(nn.Module):
    """[L, 2, K, P, D] = start + scale · network(P vectors as wide as a layer's keys, K·D)."""

    begun: Tensor
    scale: Tensor

    def __init__(self, start: Tensor, seed: int):
        super().__init__()
        layers, _, heads, tokens, size = start.shape
        width = heads * size
        self.register_buffer("begun", start.clone())
        self.register_buffer("scale", start.square().mean().sqrt())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.inputs = nn.Parameter(torch.randn(tokens, width))
            last = nn.Linear(width, layers * 2 * width)
            self.network = nn.Sequential(nn.Linear(width, width), nn.Tanh(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.to(start.dtype)

    def forward(self) -> Tensor:
        """[L, 2, K, P, D]."""
        layers, two, heads, tokens, size = self.begun.shape
        made = self.network(self.inputs).view(tokens, layers, two, heads, size)
        return self.begun + self.scale * made.permute(1, 2, 3, 0, 4)
