"""Keys and values beside a row's own: attended apart, and let in through a gate.

Source: LLaMA-Adapter, https://arxiv.org/abs/2303.16199, section 3.2 (zero-initialised attention with gating). A softmax
of their own is what lets a closed gate give exactly the base; no keys and values in the row's own softmax could.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Gate:
    """The flat positions from `start` to `stop` also attend to what stands in `layers`: layer → keys and values
    [2, K, P, D], and how far each head's gate is open [Hq]."""

    start: int
    stop: int
    layers: Mapping[int, tuple[Tensor, Tensor]]

    def opened(self, layer: int, query: Tensor, scale: float) -> Tensor:
        """What comes through in one of its layers: query [N, Hq, D] → [N, Hq, D], zero outside of its positions."""
        cache, gates = self.layers[layer]
        mine = query[self.start : self.stop].transpose(0, 1)  # [Hq, n, D]
        groups = len(mine) // cache.shape[1]
        key, value = cache.to(query.dtype).repeat_interleave(groups, 1)  # each [Hq, P, D]
        wide = torch.promote_types(query.dtype, torch.float32)
        weights = torch.softmax(mine @ key.transpose(-1, -2) * scale, dim=-1, dtype=wide).to(query.dtype)
        out = (weights @ value).transpose(0, 1) * gates.to(query.dtype)[:, None]
        return F.pad(out, (0, 0, 0, 0, self.start, len(query) - self.stop))


def through(gates: Sequence[Gate], layer: int, query: Tensor, out: Tensor, scale: float) -> Tensor:
    """Attention's output [N, Hq, D] with what comes through the gates."""
    for gate in gates:
        if layer in gate.layers:
            out = out + gate.opened(layer, query, scale)
    return out
