"""Full fine-tuning: parameters of the base itself, all of them or some, in a model that shares the rest with the base.

The result is an ordinary model folder. Everything it forgets, it forgets for good: see `docs/family.md`.
"""

import re
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel
from typing_extensions import override

from capotasto.base.encoders import reader
from capotasto.base.frozen import FrozenBase
from capotasto.base.quiet import quiet
from capotasto.errors import AdapterError, SettingError
from capotasto.methods.own_model import OwnModel, sibling
from capotasto.methods.settings import MethodSettings


class FullAdapter(OwnModel):
    """A model of which the chosen parameters are its own and learn."""

    method = "full"

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        model = sibling(base)
        learned = _own(model, _wanted(base, settings.trainable))
        return cls(model, learned, **{**facts, "start": {"kind": "base", "detail": settings.trainable}})

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 5e-5, "5e-5, usual for all parameters of a model"

    @override
    def write(self, folder: Path, base: FrozenBase) -> None:
        """A Hugging Face model folder with its tokenizer."""
        with quiet():
            self.body().save_pretrained(folder)
        base.tokenizer.save_pretrained(folder)

    @classmethod
    @override
    def load(cls, folder: Path, base: FrozenBase, **facts: Any) -> Self:
        wide = torch.promote_types(base.dtype, torch.float32)  # as it was trained and judged
        given: dict[str, Any] = {"dtype": wide, "local_files_only": True, "use_safetensors": True}
        try:
            with quiet():
                model, found = reader(base.config)(folder, output_loading_info=True, **given)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise AdapterError(f"{folder} holds no model that can be read ({error}); train it again") from None
        if found["missing_keys"]:
            raise AdapterError(f"{folder} lacks {min(found['missing_keys'])}; train it again")
        _check_shapes(model, base, folder)
        if not all(bool(torch.isfinite(parameter).all()) for parameter in model.parameters()):
            raise AdapterError(f"{folder} holds numbers that are not finite; train it again")
        model.to(base.device).eval().requires_grad_(False)
        return cls(model, [], **facts)


def _check_shapes(model: PreTrainedModel, base: FrozenBase, folder: Path) -> None:
    """Errors: it is a model of another build than the base: rows, caches and vocabularies would not fit."""
    found, wanted = (_shapes(one) for one in (model, base.model))
    if wrong := min((name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)), default=""):
        raise AdapterError(
            f"{folder} is built otherwise than {base.name}: {wrong} is {found.get(wrong, 'missing')} there, and"
            f" {wanted.get(wrong, 'missing')} in the base; load it with the base that it was made from"
        )


def _shapes(model: PreTrainedModel) -> dict[str, list[int]]:
    return {name: list(parameter.shape) for name, parameter in model.named_parameters()}


def _wanted(base: FrozenBase, text: str) -> set[str]:
    """Names of the parameters that `trainable` means. Errors: there are none."""
    names = {name for name, _ in base.model.named_parameters()}
    kind, _, detail = text.partition(":")
    if kind == "all" and not detail:
        return names
    if kind == "last":
        first = base.layers - int(detail) if detail.isdigit() else -1
        if not 0 <= first < base.layers:
            raise SettingError(
                f"trainable {text!r}: write last:K with K from 1 to {base.layers}, the layers of this base"
            )
        return {name for name in names if (number := re.search(r"\.(\d+)\.", name)) and int(number[1]) >= first}
    try:
        found = {name for name in names if re.search(text, name)}
    except re.error as error:
        raise SettingError(f"trainable {text!r} is no regular expression ({error})") from None
    if not found:
        raise SettingError(f"trainable {text!r} matches no parameter; one of them is called {min(names)}")
    return found


def _own(model: PreTrainedModel, wanted: set[str]) -> list[nn.Parameter]:
    """Put copies in the place of the wanted parameters, wherever they stand (tied ones stand twice)."""
    copies = {
        id(parameter): nn.Parameter(parameter.detach().clone())
        for name, parameter in model.named_parameters()
        if name in wanted
    }
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if id(parameter) in copies:
                module._parameters[name] = copies[id(parameter)]
    return list(copies.values())
