"""Cross-entropy on supervised tokens only, with the frozen output layer applied chunk by chunk."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

CHUNK_BYTES = 48 << 20  # logits in memory at a time


@dataclass(frozen=True, slots=True)
class Head:
    """The frozen output layer: states [.., H] → logits [.., V].

    weight:  [V, H]
    bias:    [V] or None
    softcap: logits are squashed to ±softcap (Gemma 2, https://arxiv.org/abs/2408.00118 section 2), or None
    layer:   the layer itself where it learns or is more than weight and bias, so that autograd must see it
    """

    weight: Tensor
    bias: Tensor | None
    softcap: float | None
    layer: nn.Module | None = None

    def logits(self, states: Tensor) -> Tensor:
        """[.., V] in at least fp32."""
        if self.layer is not None:
            return self.capped(self.layer(states))
        return self.capped(nn.functional.linear(states, self.weight, self.bias))

    def capped(self, out: Tensor) -> Tensor:
        """What the layer gives, [.., V], in at least fp32 and softly capped."""
        out = out.to(torch.promote_types(out.dtype, torch.float32))
        return self.softcap * torch.tanh(out / self.softcap) if self.softcap else out


class _TokenLosses(torch.autograd.Function):
    """[N, H] states and [N] targets → [N] losses in nats. The gradient on the states is made in the forward pass,
    while a chunk's logits exist, so that no logits are kept (the scheme of Liger Kernel,
    https://arxiv.org/abs/2410.10989 section 3.2; with a frozen output layer no gradient of its weight is needed).
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, targets: Tensor, head: Head, chunk: int) -> Tensor:
        need = ctx.needs_input_grad[0]
        parts = zip(states.split(chunk), targets.split(chunk), strict=True)
        losses, gradients = zip(*(_chunk(part, target, head, need) for part, target in parts), strict=True)
        if need:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (saved,) = ctx.saved_tensors
        return (saved * gradient[:, None].to(saved.dtype), None, None, None)


def _chunk(states: Tensor, targets: Tensor, head: Head, need: bool) -> tuple[Tensor, Tensor]:
    """Losses [n] and gradients [n, H] of one chunk; one tensor [n, V] is logits first, then exponentials, in place."""
    logits = head.logits(states)
    wanted = logits.gather(1, targets[:, None])
    slope = 1 - (logits / head.softcap).square() if head.softcap and need else None
    greatest = logits.amax(1, keepdim=True)
    chances = logits.sub_(greatest).exp_()  # not yet divided by their sum
    total = chances.sum(1, keepdim=True)
    losses = (greatest + total.log() - wanted)[:, 0]
    if not need:
        return losses, states
    if slope is not None:
        chances.mul_(slope)
    hit = head.weight.index_select(0, targets)
    if slope is not None:
        hit = hit * slope.gather(1, targets[:, None]).to(hit.dtype)
    weighted = (chances.to(head.weight.dtype) @ head.weight).to(total.dtype)
    return losses, (weighted / total - hit).to(states.dtype)


def token_losses(states: Tensor, targets: Tensor, head: Head) -> Tensor:
    """Loss of each target in nats.

    states:  [N, H] hidden states that predict
    targets: [N] token ids to be predicted
    returns: [N] losses, differentiable in `states`, and in the output layer where it learns
    """
    if not len(targets):
        return states.new_zeros(0)
    chunk = max(16, CHUNK_BYTES // (4 * len(head.weight)))
    if head.layer is not None:  # the logits are kept
        return nn.functional.cross_entropy(head.logits(states), targets, reduction="none")
    return _TokenLosses.apply(states, targets, head, chunk)
