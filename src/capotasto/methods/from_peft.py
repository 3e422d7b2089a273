"""Any other method of the installed PEFT (`peft:ia3`, `peft:vera`, `peft:oft` …), through PEFT itself.

Source: https://huggingface.co/docs/peft. PEFT changes modules in place, so it is given modules of its own.
"""

import inspect
from pathlib import Path
from typing import Any, Self

import torch
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError, nearest
from capotasto.methods.own_model import OwnModel, sibling
from capotasto.methods.settings import MethodSettings
from capotasto.records import read_json


class PeftAdapter(OwnModel):
    """A model with PEFT's layers in it."""

    method = "peft"

    def __init__(self, wrapped: Any, **facts: Any):
        learned = [parameter for parameter in wrapped.parameters() if parameter.requires_grad]
        super().__init__(wrapped.get_base_model(), learned, **facts)
        self._wrapped = [wrapped]

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        kind = settings.method.partition(":")[2].upper()
        config = _config(kind, settings, base.task_type)
        from peft import get_peft_model

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                wrapped = get_peft_model(sibling(base), config)
            except (ValueError, TypeError, KeyError, NotImplementedError) as error:
                raise SettingError(f"PEFT refuses {settings.method} on {base.name}: {error}") from None
        start = {"kind": "peft", "detail": kind.lower(), "seed": seed}
        return cls(wrapped.to(base.device).eval(), **{**facts, "start": start})

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 1e-3, "1e-3, usual for PEFT's methods"

    @override
    def write(self, folder: Path, base: FrozenBase) -> None:
        """PEFT's own files."""
        self._wrapped[0].save_pretrained(folder)

    @classmethod
    @override
    def load(cls, folder: Path, base: FrozenBase, **facts: Any) -> Self:
        config = read_json(folder / "adapter_config.json")
        kind = config.get("peft_type")
        if kind not in _usable():
            raise AdapterError(f"{folder} holds a PEFT adapter of type {kind!r}, which cannot be run here")
        if config.get("adapters"):
            raise AdapterError(
                f"{folder} names other adapters, which may lie anywhere, and is refused; name one by itself"
            )
        from peft import PeftModel

        try:
            wrapped = PeftModel.from_pretrained(sibling(base), folder, is_trainable=True)
        except (ValueError, RuntimeError, KeyError) as error:
            raise AdapterError(f"PEFT cannot read {folder} onto {base.name}: {error}") from None
        return cls(wrapped.to(base.device).eval(), **facts)


def _usable() -> dict[str, Any]:
    """PEFT's type → its config class, for methods that change the model's layers. (Virtual tokens are ours; XLORA would
    read other adapters from wherever its config says, the hub included.)"""
    try:
        from peft import PromptLearningConfig
        from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
    except ImportError:
        raise SettingError("this method runs through PEFT; install it: pip install 'capotasto[peft]'") from None

    types = {str(one.value): config for one, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    return {
        name: config
        for name, config in types.items()
        if not issubclass(config, PromptLearningConfig) and name != "XLORA"
    }


def _config(kind: str, settings: MethodSettings, task: str) -> Any:
    """PEFT's config of this type, with the targets asked for and everything else as PEFT has it."""
    usable = _usable()
    if kind not in usable:
        known = [f"peft:{name.lower()}" for name in usable]
        raise SettingError(f"unknown method {settings.method!r}; {nearest(settings.method, known)}")
    takes = inspect.signature(usable[kind]).parameters
    targets = settings.targets if settings.targets == "all-linear" else settings.targets.split(",")
    given = {"task_type": task, "target_modules": targets}
    if kind == "IA3":
        given["feedforward_modules"] = []  # PEFT wants it told which targets scale their inputs
    return usable[kind](**{key: value for key, value in given.items() if key in takes})
