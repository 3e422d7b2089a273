"""Biases of a frozen base that a low-rank change may learn beside itself, as PEFT's `bias` names them."""

from collections.abc import Collection

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from capotasto.base.frozen import FrozenBase
from capotasto.errors import SettingError

_ADDED = (nn.Linear, Conv1D, nn.LayerNorm)  # layers that add their bias to their output


def chosen(base: FrozenBase, which: str, targets: Collection[str]) -> dict[str, Tensor]:
    """Name of a layer → its bias [out], to be learned: of `targets` (`lora_only`), of every layer (`all`), or `none`.

    Errors: the base has no such biases.
    """
    if which == "none":
        return {}
    found = {name: bias for name, bias in biases(base.model).items() if which == "all" or name in targets}
    if not found:
        who = "layer" if which == "all" else "target"
        raise SettingError(f"--bias {which}: no {who} of {base.name} has a bias to learn; leave --bias out")
    return found


def biases(model: PreTrainedModel) -> dict[str, Tensor]:
    """Name of a layer → the bias [out] it adds to its output; all but the output layer, which stays as it is."""
    output = model.get_output_embeddings()
    return {
        name: module.bias
        for name, module in model.named_modules()
        if isinstance(module, _ADDED) and isinstance(module.bias, Tensor) and module is not output
    }
