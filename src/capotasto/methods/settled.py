"""What an adapter adds to a linear layer, worked out for numbers that no longer change.

Every change that the methods here make has one form, so that those of several adapters can be made at once (`joint`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """`y + f(z · down + start) · up + shift + stretch · y`, for a layer that makes y of x.

    down:    [in, R] or [out, R]
    up:      [R, out]
    start:   [R] or None
    shift:   [out] or None
    stretch: [out] or None
    f:       elementwise and the same object for all that may be made at once; None leaves its input as it is
    inner:   z is the layer's output y, with changes before this one; else its input x
    """

    down: Tensor
    up: Tensor
    start: Tensor | None = None
    shift: Tensor | None = None
    stretch: Tensor | None = None
    f: Callable[[Tensor], Tensor] | None = None
    inner: bool = False

    @property
    def finite(self) -> bool:
        """False where its numbers would spoil other rows' too."""
        parts = (self.down, self.up, self.start, self.shift, self.stretch)
        return all(bool(torch.isfinite(part).all()) for part in parts if part is not None)
