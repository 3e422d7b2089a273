"""Is the base the same after an adapter is taken off? Measured, not promised."""

import torch
from torch import Tensor

from capotasto import forward
from capotasto.auditing.probe import Candidate
from capotasto.auditing.rows import encode, renderers
from capotasto.methods.adapter import Adapter
from capotasto.session import Base

SENTENCES = (
    "The ferry leaves at nine, unless the wind turns.",
    "Four plus five is nine, and nine is odd.",
    "She read the letter twice before she answered it.",
)


def logits(base: Base, adapter: Adapter | None = None) -> Tensor:
    """[N, V] what base or adapter say at every place of three sentences."""
    rows = [encode(renderers(base, [adapter])[0], Candidate("", text)) for text in SENTENCES]
    carried = [adapter] * len(rows)
    with torch.no_grad():
        return forward.logits(base, forward.run(base, rows, carried).states, carried)


def difference(base: Base, adapter: Adapter, before: Tensor) -> float:
    """The largest difference of the base's logits after this adapter was on and off, to those from before; 0 where
    every bit is the same.

    before: [N, V] of `logits(base)`
    """
    logits(base, adapter)
    return float((logits(base) - before).abs().max())
