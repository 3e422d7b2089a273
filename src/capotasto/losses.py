"""Cross-entropy on supervised tokens only, with the frozen output layer applied chunk by chunk."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK_BYTES = 16 << 20  # logits in memory at a time


class _TokenLosses(torch.autograd.Function):
    """[N, H] states and [N] targets → [N] losses in nats. The gradient on the states is made in the forward pass,
    while a chunk's logits exist, so that no logits are kept (the scheme of Liger Kernel,
    https://arxiv.org/abs/2410.10989 section 3.2; with a frozen output layer no gradient of its weight is needed).
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, targets: Tensor, logits: Callable[[Tensor], Tensor], chunk: int) -> Tensor:
        losses, gradients = [], []
        for part, target in zip(states.split(chunk), targets.split(chunk), strict=True):
            loss, gradient = _chunk(part, target, logits, need=ctx.needs_input_grad[0])
            losses.append(loss)
            gradients.append(gradient)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (saved,) = ctx.saved_tensors
        return (saved * gradient[:, None].to(saved.dtype), None, None, None)


def _chunk(states: Tensor, targets: Tensor, logits: Callable[[Tensor], Tensor], need: bool) -> tuple[Tensor, Tensor]:
    with torch.set_grad_enabled(need):
        leaf = states.detach().requires_grad_(need)
        losses = F.cross_entropy(logits(leaf), targets, reduction="none")
        gradient = torch.autograd.grad(losses.sum(), leaf)[0] if need else leaf
    return losses.detach(), gradient


def token_losses(states: Tensor, targets: Tensor, logits: Callable[[Tensor], Tensor], vocabulary: int) -> Tensor:
    """Loss of each target in nats.

    states:  [N, H] hidden states that predict
    targets: [N] token ids to be predicted
    logits:  [.., H] → [.., V], frozen
    returns: [N] losses, differentiable in `states`
    """
    if not len(targets):
        return states.new_zeros(0)
    chunk = max(16, CHUNK_BYTES // (4 * vocabulary))
    return _TokenLosses.apply(states, targets, logits, chunk)
