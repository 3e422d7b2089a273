"""A base that reads prompts and adapters and computes nothing, for engines that write elsewhere."""

import warnings

import torch
from transformers import AutoConfig

from capotasto.base import load_frozen
from capotasto.base.catalog import resolve
from capotasto.base.precision import NAMES
from capotasto.base.sources import locate
from capotasto.session import DEFAULT_BASE, Base


def thin_base(spec: str = DEFAULT_BASE) -> Base:
    """The base that `spec` names, in the number format it is stored in.

    So its weights stay on the disk, mapped into memory: only the rows of the embedding that are looked up are read. It
    takes adapters like any base; to write with it, load it with `load_base`.
    """
    stored = AutoConfig.from_pretrained(locate(resolve(spec)).folder).dtype
    dtype = stored if stored in NAMES.values() else torch.float32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a slow number format is no matter where nothing is computed
        frozen = load_frozen(spec, dtype=dtype, device="cpu")
    return Base(**vars(frozen))
