"""LoRA and a plain head as one adapter of PEFT's for transformers' sequence classifiers (task type SEQ_CLS).

Source: https://huggingface.co/docs/peft/package_reference/lora, `modules_to_save`: the head is the model's `score`,
which transformers applies to the state of a row's last token.
"""

from typing import Any

from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.head import SCORE, HeadAdapter
from capotasto.methods.lora import LoraAdapter

Files = tuple[dict[str, Tensor], dict[str, Any]]  # tensors, and PEFT's config


def joined(adapter: CombinedAdapter, base: FrozenBase) -> Files | None:
    """LoRA and head in one; None where the adapter is something else or its head is none of transformers'."""
    if type(adapter) is not CombinedAdapter:
        return None  # a stack keeps its parts apart
    parts = {type(part): part for part in adapter.adapters()}
    lora, head = parts.get(LoraAdapter), parts.get(HeadAdapter)
    if len(parts) != 2 or lora is None or head is None:
        return None
    config, own = lora.config(base), head.config(base)
    if config is None or own is None:
        return None
    both = {key: own[key] for key in ("task_type", "modules_to_save")}
    return {**lora.tensors(), **head.tensors()}, {**config, **both}


def parted(tensors: dict[str, Tensor], config: dict[str, Any]) -> dict[str, Files]:
    """Method → its own part of such an adapter."""
    head = {key: value for key, value in tensors.items() if key.startswith(SCORE)}
    lora = {key: value for key, value in tensors.items() if key not in head}
    return {"lora": (lora, {**config, "modules_to_save": None}), "head": (head, config)}


def is_classifier(config: dict[str, Any]) -> bool:
    """True for an adapter with the head of a sequence classifier."""
    return config.get("task_type") == "SEQ_CLS" and "score" in (config.get("modules_to_save") or [])


def foreign(tensors: dict[str, Tensor]) -> tuple[str, dict[str, Any]]:
    """Of an adapter that PEFT saved: the method here, and what PEFT does not keep. One output is a number, several are
    classes, called as transformers calls them."""
    method = "lora+head" if any(".lora_" in key for key in tensors) else "head"
    count = len(tensors[f"{SCORE}weight"])
    shape = {
        "labels": [f"LABEL_{i}" for i in range(count)],
        "objective": "regress" if count == 1 else "classify",
        "pooling": "last",
        "norm": False,
    }
    return method, shape
