"""A GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), dequantised once into a folder."""

import io
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from functools import cache
from pathlib import Path
from typing import Any

import gguf
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from capotasto.base import sanity
from capotasto.base.hashes import remembered_hash
from capotasto.base.quiet import quiet
from capotasto.base.reason import reason
from capotasto.base.sources import folder
from capotasto.errors import BaseError
from capotasto.wheels import home, locked


def quantisation(path: Path) -> str:
    """The scheme a GGUF file's name declares, such as Q4_1; "GGUF" where it declares none."""
    found = re.search(r"[.-]((?:I?Q\d\w*)|BF16|F16|F32)\.gguf$", path.name, re.IGNORECASE)
    return found[1].upper() if found else "GGUF"


def sentence(path: Path) -> str:
    """Where the model came from, for people."""
    return f"file {path} ({quantisation(path)}, dequantised)"


def convert(path: Path) -> Path:
    """The folder with the dequantised model, made on the first call and kept under the file's content hash.

    Weights are stored in the narrowest type that holds every value exactly, which for Q4 and Q8 files is float32.
    """
    target = home() / "bases" / remembered_hash(path)
    if not target.exists():
        with locked(target.with_name(f".{target.name}.lock")):
            if not target.exists():
                _convert_into(path, target)
    return folder.check(target)


def _convert_into(path: Path, target: Path) -> None:
    model, tokenizer = _read(path)
    sanity.check(model, tokenizer, str(path))
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # what a killed process may have left
    try:
        with quiet():
            model.to(_narrowest(model)).save_pretrained(unfinished)
            tokenizer.save_pretrained(unfinished)
        unfinished.rename(target)
    except (OSError, SafetensorError) as error:
        raise BaseError(f"cannot write {target}: {error}; free space, or set CAPO_HOME to another disk") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _read(path: Path) -> tuple[Any, Any]:
    try:
        # the bar of the dequantisation obeys no setting, only the stream it is written to
        with quiet(), _parsed_once(), redirect_stderr(io.StringIO()):
            model = AutoModelForCausalLM.from_pretrained(
                path.parent,
                gguf_file=path.name,
                dtype=torch.float32,
                quantization_config=GgufConfig(dequantize=True),
            )
            tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except Exception as error:  # a damaged file fails anywhere in two libraries' parsers
        raise BaseError(
            f"cannot read {path}: {reason(error)}; the file is damaged or its architecture is not supported: "
            "fetch it again, or give the model's safetensors folder"
        ) from error
    # the name inside the file would become a path in config.json
    vars(model.config).pop("_model_name_or_path", None)
    tokenizer.model_max_length = getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)
    return model, tokenizer


@contextmanager
def _parsed_once() -> Iterator[None]:
    """Let transformers parse a file and build its name table once instead of three and four hundred times.

    For a model of 135 million parameters that is 7 seconds instead of 21.
    """
    before = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    for name, function in before.items():
        setattr(gguf, name, cache(function))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(gguf, name, function)


def _narrowest(model: torch.nn.Module) -> torch.dtype:
    for dtype in (torch.bfloat16, torch.float16):
        if all(torch.equal(weight, weight.to(dtype).float()) for weight in model.parameters()):
            return dtype
    return torch.float32
