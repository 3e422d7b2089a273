"""Changes of layers made part of the base's weights: the same answers without an adapter, at the base's own speed.

What LoRA, DoRA and learned biases add to a layer's output is linear in the layer's input, so layer and change together
are one linear layer (https://arxiv.org/abs/2106.09685, section 4.1, "no additional inference latency").
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from capotasto.base.frozen import FrozenBase
from capotasto.base.quiet import quiet
from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter, Delta
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.linears import Linear, weight_of
from capotasto.records import new_folder
from capotasto.trunk import CHANGED


def merge(base: FrozenBase, adapter: Adapter, folder: str | Path) -> Path:
    """Write base and adapter as one Hugging Face model folder with its tokenizer, in the base's number format.

    The folder appears when it is whole. Errors: an adapter that cannot be merged, a folder that is not empty.
    """
    folder = Path(folder)
    with new_folder(folder) as unfinished:
        write_merged(base, adapter, unfinished)
    return folder


def write_merged(base: FrozenBase, adapter: Adapter, folder: Path) -> None:
    """The files of `merge`, into a folder that is there."""
    with merged(base, adapter) as model, quiet():
        model.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)


@contextmanager
def merged(base: FrozenBase, adapter: Adapter) -> Iterator[PreTrainedModel]:
    """Inside the block the bare base does what it does with `adapter`; behind it, it has its very own tensors again.

    Gives the base's model. Errors: an adapter that cannot be merged.
    """
    _check(adapter)
    kept: list[tuple[nn.Module, dict[str, nn.Parameter | None]]] = []
    before = vars(base.model).get(CHANGED, False)
    setattr(base.model, CHANGED, True)
    try:
        for name, delta in adapter.deltas().items():
            layer = base.model.get_submodule(name)
            kept.append((layer, dict(layer._parameters)))
            _merge_into(layer, delta)
        yield base.model
    finally:
        setattr(base.model, CHANGED, before)
        for layer, own in kept:
            layer._parameters.update(own)


def _check(adapter: Adapter) -> None:
    """Errors: it, or a part of it, is something else than a linear change of layers."""
    for part in _parts(adapter):
        if reason := _obstacle(part):
            raise AdapterError(f"{part.method} of {adapter.name!r} cannot be merged: {reason}; keep it as an adapter")


def _parts(adapter: Adapter) -> list[Adapter]:
    """What it is made of, however deep."""
    if not isinstance(adapter, CombinedAdapter):
        return [adapter]
    return [part for one in adapter.adapters() for part in _parts(one)]


def _obstacle(part: Adapter) -> str:
    """Why it cannot become part of the weights; empty if it can."""
    if part.body() is not None:
        return "it runs a model of its own, which is no change of this base"
    if part.head() is not None:
        return "a head answers in place of the vocabulary, and the model folder has no room for it"
    if part.tokens:
        return "virtual tokens are input, not weights, and there is nothing to add them to"
    if part.gated():
        return "what a gate lets in is attention, which no weight holds"
    return "" if part.linear else "a nonlinearity lies between what it reads and what it adds"


@torch.no_grad()
def _merge_into(layer: nn.Module, delta: Delta) -> None:
    """Give `layer` new parameters with which it does by itself what it does with `delta`."""
    own = layer._parameters.get("bias")
    if isinstance(layer, nn.Linear | Conv1D):
        weight, bias = _one_layer(layer, delta)
        weight = weight.T.contiguous() if isinstance(layer, Conv1D) else weight
        layer._parameters["weight"] = _frozen(weight, layer.weight)
    else:  # a norm, of which only the bias is learned
        assert own is not None
        bias = own + delta(own, own)
    if own is not None:
        layer._parameters["bias"] = _frozen(bias, own)


def _one_layer(layer: Linear, delta: Delta) -> tuple[Tensor, Tensor]:
    """([out, in] weight, [out] bias) of layer and delta together: what they answer to unit vectors, and to nothing."""
    weight = weight_of(layer)
    weight = weight.to(torch.promote_types(weight.dtype, torch.float32))
    nothing = weight.new_zeros(1, weight.shape[1])
    x = torch.cat([nothing, torch.eye(weight.shape[1]).to(weight)])
    y = x @ weight.T
    y = y if layer.bias is None else y + layer.bias
    out = y + delta(x, y)
    return (out[1:] - out[0]).T.contiguous(), out[0]


def _frozen(value: Tensor, like: Tensor) -> nn.Parameter:
    return nn.Parameter(value.to(like.dtype), requires_grad=False)
