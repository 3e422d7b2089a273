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
    def forward(ctx: Any, states: Tensor, targets: Tensor, head: Head, chunk: int, smoothing: Tensor | None) -> Tensor:
        need = ctx.needs_input_grad[0]
        starts = range(0, len(states), chunk)
        spread = [None if smoothing is None else smoothing[start : start + chunk, None] for start in starts]
        parts = zip(states.split(chunk), targets.split(chunk), spread, strict=True)
        losses, gradients = zip(*(_chunk(part, target, head, need, even) for part, target, even in parts), strict=True)
        if need:
            ctx.save_for_backward(torch.cat(gradients))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        (saved,) = ctx.saved_tensors
        return (saved * gradient[:, None].to(saved.dtype), None, None, None, None)


def _chunk(states: Tensor, targets: Tensor, head: Head, need: bool, smoothing: Tensor | None) -> tuple[Tensor, Tensor]:
    """Losses [n] and gradients [n, H] of one chunk; one tensor [n, V] is logits first, then exponentials, in place."""
    logits = head.logits(states)
    wanted = _wanted(logits, targets, smoothing)
    slope = 1 - (logits / head.softcap).square() if head.softcap and need else None
    greatest = logits.amax(1, keepdim=True)
    chances = logits.sub_(greatest).exp_()  # not yet divided by their sum
    total = chances.sum(1, keepdim=True)
    losses = (greatest + total.log() - wanted)[:, 0]
    if not need:
        return losses, states
    if smoothing is not None:
        chances.sub_(smoothing * total / logits.shape[1])
    if slope is not None:
        chances.mul_(slope)
    hit = head.weight.index_select(0, targets)
    if slope is not None:
        hit = hit * slope.gather(1, targets[:, None]).to(hit.dtype)
    if smoothing is not None:
        hit = hit * (1 - smoothing).to(hit.dtype)
    weighted = (chances.to(head.weight.dtype) @ head.weight).to(total.dtype)
    return losses, (weighted / total - hit).to(states.dtype)


def _wanted(logits: Tensor, targets: Tensor, smoothing: Tensor | None) -> Tensor:
    """[n, 1] logits of the targets; with smoothing [n, 1], a share of them is the mean over the vocabulary."""
    wanted = logits.gather(1, targets[:, None])
    return wanted if smoothing is None else torch.lerp(wanted, logits.mean(1, keepdim=True), smoothing)


def token_losses(states: Tensor, targets: Tensor, head: Head, smoothing: Tensor | None = None) -> Tensor:
    """Loss of each target in nats.

    states:  [N, H] hidden states that predict
    targets: [N] token ids to be predicted
    smoothing: [N] share of each target that is spread evenly over the vocabulary (label smoothing,
        https://arxiv.org/abs/1512.00567, section 7); None: none
    returns: [N] losses, differentiable in `states`, and in the output layer where it learns
    """
    if not len(targets):
        return states.new_zeros(0)
    chunk = _chunk_size(head)
    if head.layer is None:
        even = None if smoothing is None else smoothing.to(torch.promote_types(states.dtype, torch.float32))
        return _TokenLosses.apply(states, targets, head, chunk, even)
    logits = head.logits(states)  # they are kept
    if smoothing is None:
        return nn.functional.cross_entropy(logits, targets, reduction="none")
    return logits.logsumexp(1) - _wanted(logits, targets, smoothing[:, None].to(logits.dtype))[:, 0]


@torch.no_grad()
def token_chances(states: Tensor, targets: Tensor, head: Head) -> tuple[Tensor, Tensor]:
    """Log-probability of each target, and whether no other token is likelier; without gradients.

    states:  [N, H] hidden states that predict
    targets: [N] token ids to be predicted
    returns: [N] nats, never above 0, and [N] booleans
    """
    chances, likeliest = [], []
    chunk = _chunk_size(head)
    for part, wanted in zip(states.split(chunk), targets.split(chunk), strict=True):
        logits = head.logits(part)
        own, greatest = _wanted(logits, wanted, None), logits.amax(1, keepdim=True)
        total = logits.sub_(greatest).exp_().sum(1, keepdim=True)
        chances.append((own - greatest - total.log())[:, 0])
        likeliest.append((own >= greatest)[:, 0])
    return torch.cat(chances), torch.cat(likeliest)


def _chunk_size(head: Head) -> int:
    """How many states have their logits in memory at a time."""
    return max(16, CHUNK_BYTES // (4 * len(head.weight)))
