"""A model made ready for our forward path: every attention led to it, and feed-forward layers that keep less."""

import math
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.models.bloom.modeling_bloom import BloomAttention, BloomPreTrainedModel

from capotasto import gated, norm
from capotasto.attention import NAME, attend


def prepare(model: PreTrainedModel) -> None:
    """Make every attention of `model` call `attention.attend`. Weights and module names stay as they are."""
    gated.lighten(model)
    norm.lighten(model)
    if isinstance(model, BloomPreTrainedModel):
        model.config._attn_implementation = NAME
        for module in model.modules():
            if isinstance(module, BloomAttention):
                module.forward = MethodType(_bloom_attention, module)  # type: ignore[method-assign]
    else:
        model.set_attn_implementation(NAME)
        _number_layers(model)


def _number_layers(model: PreTrainedModel) -> None:
    """DistilBERT's attention, alone among those known here, does not say to which layer it belongs."""
    unnumbered = [module for module in model.modules() if type(module).__name__ == "DistilBertSelfAttention"]
    for layer, module in enumerate(unnumbered):
        module.layer_idx = layer  # type: ignore[assignment]


def alibi_slopes(heads: int) -> Tensor:
    """[Hq] slopes: a geometric sequence, and for heads beyond a power of two every other one of the doubled sequence.

    Source: ALiBi, https://arxiv.org/abs/2108.12409, section 3 and the authors' remark on other numbers of heads.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    slopes += [2 ** (-4 * (2 * i + 1) / power) for i in range(heads - power)]
    return torch.tensor(slopes)


def _bloom_attention(self: Any, hidden_states: Tensor, residual: Tensor, **_: Any) -> tuple[Tensor, None]:
    """BLOOM's attention with its position bias as slopes: [1, N, H] → [1, N, H]. Dropout is off in a frozen base."""
    query, key, value = self._reshape(self.query_key_value(hidden_states))
    slopes = alibi_slopes(self.num_heads).to(hidden_states.device)
    out, _ = attend(self, query, key, value, None, scaling=self.inv_norm_factor, alibi_slopes=slopes)
    return self.dense(out.flatten(2)) + residual, None
