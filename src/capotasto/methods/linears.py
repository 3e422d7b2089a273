"""The linear layers of a base: which there are, which a user means, and which end a sub-layer."""

import re
from collections.abc import Sequence

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from capotasto.base.frozen import FrozenBase
from capotasto.errors import SettingError, nearest

Linear = nn.Linear | Conv1D

# The last linear layer of each sub-layer, by the name the architectures give it.
_ATTENTION_ENDS = (
    *("o_proj", "out_proj", "self_attention.dense", "attn.c_proj", "attention.dense", "self_attn.dense"),
    *("attention.output.dense", "out_lin"),
)
_FEED_FORWARD_ENDS = ("down_proj", "fc2", "dense_4h_to_h", "mlp.c_proj", "output.dense", "lin2")


def linears(model: PreTrainedModel) -> dict[str, Linear]:
    """Name → linear layer, all but the output layer."""
    output = model.get_output_embeddings()
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not output
    }


def chosen(base: FrozenBase, targets: str, layers: str | None = None) -> dict[str, Linear]:
    """The layers that `targets` means: `all-linear`, or last parts of names, with commas between.

    Errors: a target that no layer is called, layers that do not exist.
    """
    found = linears(base.model)
    wanted = [part.strip() for part in targets.split(",") if part.strip()]
    if wanted != ["all-linear"]:
        kinds = sorted({name.rsplit(".", 1)[-1] for name in found})
        for target in wanted:
            if not any(_called(name, target) for name in found):
                raise SettingError(f"no linear layer of {base.name} is called {target!r}; {nearest(target, kinds)}")
        found = {name: module for name, module in found.items() if any(_called(name, one) for one in wanted)}
    found = of_layers(base, found, layers)
    if not found:
        raise SettingError(f"targets {targets!r} leave no linear layer of {base.name} to change")
    return found


def ends(base: FrozenBase, attention: bool) -> dict[str, Linear]:
    """The linear layer that ends each feed-forward sub-layer, and with `attention` each attention too."""
    suffixes = (*_ATTENTION_ENDS, *_FEED_FORWARD_ENDS) if attention else _FEED_FORWARD_ENDS
    found = {name: module for name, module in linears(base.model).items() if _ends(name, suffixes)}
    if attention is False:
        found = {name: module for name, module in found.items() if not _ends(name, _ATTENTION_ENDS)}
    known = any(_ends(name, _ATTENTION_ENDS) for name in found)
    if not found or (attention and not known):
        raise SettingError(f"the sub-layers of {type(base.model).__name__} are not known; use --method lora")
    return found


def of_layers(base: FrozenBase, found: dict[str, Linear], layers: str | None) -> dict[str, Linear]:
    """Those of `found` that stand in these transformer layers (`15-29`, `0,4,8`); all of them where none are named."""
    if layers is None:
        return found
    numbers = layer_numbers(base, layers)
    return {name: module for name, module in found.items() if layer_of(name) in numbers}


def weight_of(layer: Linear) -> Tensor:
    """[out, in]."""
    return layer.weight.T if isinstance(layer, Conv1D) else layer.weight


def sizes(layer: Linear) -> tuple[int, int]:
    """(in, out)."""
    out, into = weight_of(layer).shape
    return into, out


def _called(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _ends(name: str, suffixes: Sequence[str]) -> bool:
    return any(_called(name, suffix) for suffix in suffixes)


def layer_of(name: str) -> int:
    """The number of the layer that a module stands in; −1 outside all of them."""
    match = re.search(r"\.(\d+)\.", name)
    return int(match.group(1)) if match else -1


def layer_numbers(base: FrozenBase, layers: str) -> list[int]:
    """`15-29` or `0,4,8` → layer numbers, in order. Errors: a text that says no layers, layers that do not exist."""
    numbers: set[int] = set()
    try:
        for part in layers.split(","):
            first, _, last = part.strip().partition("-")
            numbers |= set(range(int(first), int(last or first) + 1))
    except ValueError:
        raise SettingError(f"layers {layers!r} cannot be read; write 15-29, or 0,4,8") from None
    if not numbers or max(numbers) >= base.layers:
        raise SettingError(f"layers {layers!r} do not exist; this base has layers 0-{base.layers - 1}")
    return sorted(numbers)
