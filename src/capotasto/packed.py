"""Frozen linear layers with their weights laid out for few rows, which is what writing on a processor waits for.

oneDNN keeps such a copy of a weight in the order in which its kernels read it
(https://uxlfoundation.github.io/oneDNN/dev_guide_inference.html, "weights reordering").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

ROWS = 8  # the layout for eight rows is as good as the best at every number of rows tried, from 1 to 512


@contextmanager
def packed(model: nn.Module) -> Iterator[None]:
    """Inside the block the linear layers of `model` read packed copies, where that is exact and possible: on a
    processor, in fp32, without gradients. The copies take as much memory as the weights and go when the block ends.
    """
    changed: list[Any] = []
    try:
        for module in model.modules():
            if isinstance(module, nn.Linear | Conv1D) and _possible(module):
                vars(module)["forward"] = _Packed(module, _pack(module))
                changed.append(module)
        yield
    finally:
        for module in changed:
            vars(module).pop("forward", None)  # another thread may have packed the same model, and ended first


def _possible(module: nn.Linear | Conv1D) -> bool:
    weight = module.weight
    plain = isinstance(weight, Tensor) and weight.device.type == "cpu" and weight.dtype == torch.float32
    return plain and torch.backends.mkldnn.is_available() and "forward" not in vars(module)


def _pack(module: nn.Linear | Conv1D) -> Tensor:
    """The weight as [out, in] in oneDNN's own order."""
    weight = module.weight.detach()
    plain = weight.t().contiguous() if isinstance(module, Conv1D) else weight
    return torch.ops.mkldnn._reorder_linear_weight(plain, ROWS)


class _Packed:
    """What a layer computes with a packed copy of its weight. A copy of the layer reads its own weight again."""

    def __init__(self, module: Any, weight: Tensor):
        self.module, self.weight = module, weight

    def __call__(self, x: Tensor) -> Tensor:
        """[.., in] → [.., out]; with gradients the layer's own way, because the packed product has none."""
        if torch.is_grad_enabled():
            return type(self.module).forward(self.module, x)
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.module.bias, "none", [], "")

    def __deepcopy__(self, memo: dict[int, Any]) -> MethodType:
        """The packed weight may not be copied, and is not the copy's own if that learns."""
        return MethodType(type(self.module).forward, deepcopy(self.module, memo))
