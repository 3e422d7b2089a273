"""Gated feed-forward layers that keep less for the backward pass: two of three wide tensors, the third made again.

The layer is `down(silu(gate(x)) · up(x))` (SwiGLU, https://arxiv.org/abs/2002.05202 section 2), as in Llama.
"""

from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _SwiGLU(torch.autograd.Function):
    """gate, up [.., M] → silu(gate) · up [.., M]; silu(gate) is not kept but computed again."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        return torch.ops.aten.silu_backward(gradient * up, gate), F.silu(gate).mul_(gradient)


def lighten(model: nn.Module) -> None:
    """Give every SwiGLU layer of `model` this form; its weights and names stay as they are."""
    for module in model.modules():
        if _is_swiglu(module):
            module.forward = MethodType(_feed_forward, module)


def _is_swiglu(module: nn.Module) -> bool:
    parts = {name: type(part) for name, part in module.named_children()}
    linears = {"gate_proj", "up_proj", "down_proj"}
    plain = set(parts) == {*linears, "act_fn"} and all(parts[name] is nn.Linear for name in linears)
    return plain and type(module.act_fn).__name__ in ("SiLU", "SiLUActivation")


def _feed_forward(self: Any, x: Tensor) -> Tensor:
    """[.., H] → [.., H]."""
    return self.down_proj(_SwiGLU.apply(self.gate_proj(x), self.up_proj(x)))
