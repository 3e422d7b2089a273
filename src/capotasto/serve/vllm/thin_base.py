"""A base that reads prompts and adapters and computes nothing, for engines that write elsewhere."""

import warnings
from typing import Any, NoReturn, cast

import torch
from torch import nn
from transformers import AutoConfig

from capotasto.base import load_frozen
from capotasto.base.catalog import resolve
from capotasto.base.precision import NAMES
from capotasto.base.sources import locate
from capotasto.errors import BaseError
from capotasto.session import DEFAULT_BASE, Base


class ThinBase(Base):
    """A base that computes nothing."""


def thin_base(spec: str = DEFAULT_BASE) -> ThinBase:
    """The base that `spec` names, in the number format it is stored in.

    So its weights stay on the disk, mapped into memory: only the rows of the embedding that are looked up are read. It
    takes adapters like any base. Errors: BaseError where it is to compute.
    """
    stored = AutoConfig.from_pretrained(locate(resolve(spec)).folder).dtype
    dtype = stored if stored in NAMES.values() else torch.float32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a slow number format is no matter where nothing is computed
        frozen = load_frozen(spec, dtype=dtype, device="cpu")
    cast(nn.Module, frozen.model.base_model).register_forward_pre_hook(_refuse)
    return ThinBase(**vars(frozen))


def _refuse(*_: Any) -> NoReturn:
    """Its attention is not led to ours, so what it computed would be wrong without a word."""
    raise BaseError(
        "this base computes nothing here, its answers are written on vLLM servers; for embeddings, labels and scores of"
        " prompts load it with load_base, or serve it with --backend local"
    )
