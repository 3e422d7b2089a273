"""Encoders (BERT, DistilBERT, RoBERTa): models whose tokens see the whole of their row, and which write nothing.

Sources: https://arxiv.org/abs/1810.04805, https://arxiv.org/abs/1910.01108, https://arxiv.org/abs/1907.11692.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from transformers import AutoModel, AutoModelForCausalLM

_TYPES = ("bert", "distilbert", "roberta")  # as transformers calls them
_POOLED = ("bert", "roberta")  # of these, transformers adds a layer for whole rows, which is not used here
_BEHIND_PADDING = ("roberta",)  # their positions are counted from the padding token's id on


def is_encoder(config: Any) -> bool:
    """True for a model of this kind, unless it was turned into one that continues text."""
    return config.model_type in _TYPES and not getattr(config, "is_decoder", False)


def first_position(config: Any) -> int:
    """The position of a row's first token in the table of positions."""
    return int(config.pad_token_id) + 1 if is_encoder(config) and config.model_type in _BEHIND_PADDING else 0


def reader(config: Any) -> Callable[..., Any]:
    """The `from_pretrained` for a model of this kind: encoders come without a head, others with their output layer."""
    if not is_encoder(config):
        return AutoModelForCausalLM.from_pretrained
    if config.model_type in _POOLED:
        return partial(AutoModel.from_pretrained, add_pooling_layer=False)
    return AutoModel.from_pretrained
