"""A frozen base from what the user wrote."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from capotasto.base import precision
from capotasto.base.catalog import resolve
from capotasto.base.encoders import is_encoder, reader
from capotasto.base.fingerprint import fingerprint
from capotasto.base.frozen import FrozenBase, freeze
from capotasto.base.quiet import quiet
from capotasto.base.reason import reason
from capotasto.base.sources import locate
from capotasto.errors import BaseError, SettingError

_TRUST_WARNING = (
    "trust_remote_code: Python files from the repository of {name} will run on this machine with all your rights; "
    "read them first"
)

# Marks in an architecture's name of a model that does not continue text from left to right.
_OTHER_TASKS = ("ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering")


def load_frozen(
    spec: str = "smollm2-135m",
    dtype: str | torch.dtype = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
) -> FrozenBase:
    """The base that `spec` names, in evaluation mode and without gradients.

    spec:   an alias, owner/name[@revision] on the hub, a folder, or a .gguf file
    dtype:  "auto", "fp32", "bf16" or "fp64"
    device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1", ...
    trust_remote_code: run the Python files that come with the model; refused unless asked for
    """
    if trust_remote_code:
        warnings.warn(_TRUST_WARNING.format(name=spec), stacklevel=2)
    where = choose_device(device)
    chosen = precision.choose(dtype, where)
    found = locate(replace(resolve(spec), with_code=trust_remote_code))
    with quiet():
        config = _config(found.folder, trust_remote_code)
        model = _model(found.folder, config, chosen, trust_remote_code).to(where)
        tokenizer = _tokenizer(found.folder, trust_remote_code)
    freeze(model)
    return FrozenBase(
        model=model,
        tokenizer=tokenizer,
        folder=found.folder,
        name=spec,
        source=found.source,
        fingerprint=fingerprint(found.folder),
        dtype=chosen,
        device=model.device,
    )


def choose_device(device: str) -> torch.device:
    """The device for a setting; "auto" is CUDA where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        usable = ["auto", "cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        raise SettingError(f"device {device!r} cannot be used here; usable: {', '.join(usable)}") from error
    return chosen


def _config(folder: Path, trust: bool) -> Any:
    """The configuration. Errors: a model that neither continues text nor is a known encoder."""
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=trust)
    except Exception as error:  # unknown model types, malformed fields and refused code all end here
        raise BaseError(_config_fault(folder, error)) from error
    names = list(config.architectures or [config.model_type])
    other_task = any(mark in name for name in names for mark in _OTHER_TASKS)
    known = config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or (trust and hasattr(config, "auto_map"))
    if not is_encoder(config) and (config.is_encoder_decoder or other_task or not known):
        raise BaseError(
            f"{folder} holds {names[0]}, which is not a causal language model, nor an encoder that is known here; "
            "choose one of those, such as `capo bases` lists"
        )
    return config


def _config_fault(folder: Path, error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return (
            f"the model in {folder} brings its own Python code, which is not run; "
            "set trust_remote_code only if you have read that code and trust it"
        )
    return f"cannot use {folder}/config.json: {reason(error)}; check the file, or update transformers"


def _model(folder: Path, config: Any, dtype: torch.dtype, trust: bool) -> Any:
    """The model with every weight read from the files.

    Weights already stored in `dtype` are mapped from the disk, so they cost no second copy in memory.
    """
    try:
        loaded: Any = reader(config)(
            folder,
            dtype=dtype,
            trust_remote_code=trust,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # reported below, with names and shapes
            output_loading_info=True,
        )
    except Exception as error:  # wrong shapes and damaged tensors surface as many types
        raise BaseError(f"cannot load {folder}: {reason(error)}; fetch or save the model again") from error
    model, report = loaded
    _check_complete(folder, report)
    return model


def _check_complete(folder: Path, report: dict[str, Any]) -> None:
    """Refuse what transformers would fill with random numbers."""
    if mismatched := sorted(report["mismatched_keys"]):
        name, stored, expected = mismatched[0]
        raise BaseError(
            f"{name} in {folder} has shape {list(stored)}, but config.json says {list(expected)}; "
            "fetch or save the model again"
        )
    if missing := sorted(report["missing_keys"]):
        names = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise BaseError(f"{folder} lacks {len(missing)} of the model's weights ({names}); fetch or save it again")


def _tokenizer(folder: Path, trust: bool) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust)
    except Exception as error:  # each tokenizer class has its own way to fail
        raise BaseError(
            f"cannot read the tokenizer in {folder}: {reason(error)}; save it again with the model"
        ) from error
