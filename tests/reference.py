"""The naive twins: the same results by the five obvious lines, one row at a time, through the model's own code."""

import copy
import sys

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DynamicCache
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded


def untouched(base: FrozenBase) -> torch.nn.Module:
    """A copy of the model as transformers made it, with its plainest attention."""
    return plain(copy.deepcopy(base.model))


def plain(model: torch.nn.Module) -> torch.nn.Module:
    """The same model by transformers' own code."""
    for module in model.modules():
        module.__dict__.pop("forward", None)
    model.config.get_text_config()._attn_implementation = "eager"
    return model


def peeked(query: Tensor, module: torch.nn.Module, gated: list, scale: float) -> Tensor:
    """query [1, Hq, T, D] → [1, T, Hq, D]: attention to the keys and values behind the gates, head by head."""
    total = torch.zeros_like(query)
    for cache, gates in (one[module.layer_idx] for one in gated if module.layer_idx in one):
        keys, values = cache.to(query.dtype)
        for head in range(query.shape[1]):
            mine = head * len(keys) // query.shape[1]
            weights = torch.softmax(query[0, head] @ keys[mine].T * scale, -1)
            total[0, head] = total[0, head] + gates[head] * (weights @ values[mine])
    return total.transpose(1, 2)


def eager_with_gates(gated: list):
    """transformers' eager attention, and beside it what comes through the gates."""

    def attend(module, query, key, value, mask, **extra):
        own = sys.modules[type(module).__module__].eager_attention_forward
        out, weights = own(module, query, key, value, mask, **extra)
        scale = query.shape[-1] ** -0.5 if extra.get("scaling") is None else extra["scaling"]
        return out + peeked(query, module, gated, scale), weights

    return attend


def bloom_with_gates(gated: list):
    """The same for BLOOM, whose attention asks no interface: what comes through takes its own way to the output."""

    def add(module, given, out):
        query, _, _ = module._reshape(module.query_key_value(given[0]))
        came = peeked(query, module, gated, module.inv_norm_factor).flatten(2)
        return (out[0] + came @ module.dense.weight.T, *out[1:])

    return add


def let_through(model: torch.nn.Module, gated: list) -> list:
    """Handles of what must be removed."""
    if model.config.model_type == "bloom":
        return [block.self_attention.register_forward_hook(bloom_with_gates(gated)) for block in model.transformer.h]
    ALL_ATTENTION_FUNCTIONS.register("eager_with_gates", eager_with_gates(gated))
    ALL_MASK_ATTENTION_FUNCTIONS.register("eager_with_gates", ALL_MASK_ATTENTION_FUNCTIONS["eager"])
    model.config.get_text_config()._attn_implementation = "eager_with_gates"
    return []


def states_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None, noise: Tensor | float = 0.0) -> Tensor:
    """[P + T, H] last hidden states of one row: embed, concatenate, call; every hook in its plainest way."""
    adapter = adapter.of_task(row.task) if adapter is not None else None
    own = adapter.body() if adapter is not None else None
    if own is not None:
        model = plain(own)
    embeds = model.get_input_embeddings()(torch.tensor(row.ids)) + noise
    if adapter is None or own is not None:
        return model.base_model(inputs_embeds=embeds[None], use_cache=False).last_hidden_state[0]
    virtual, cache, start = adapter.embeds(), None, 0
    if virtual is not None:
        embeds = torch.cat([embeds[: row.slot], virtual.to(embeds.dtype), embeds[row.slot :]])
    if (kv := adapter.kv()) is not None:
        cache, start = DynamicCache(), kv.shape[3]
        for layer, (key, value) in enumerate(kv.to(embeds.dtype)):
            cache.update(key[None], value[None], layer)
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _, given, out, delta=delta: out + delta(given[0], out))
        for name, delta in adapter.deltas().items()
    ]
    handles += let_through(model, adapter.gated()) if adapter.gated() else []
    places = torch.arange(start, start + len(embeds))[None]
    mask = torch.ones(1, start + len(embeds))
    out = model.base_model(
        inputs_embeds=embeds[None], position_ids=places, attention_mask=mask, past_key_values=cache,
        use_cache=cache is not None,
    )  # fmt: skip
    for handle in handles:
        handle.remove()
    model.config.get_text_config()._attn_implementation = "eager"
    return out.last_hidden_state[0]


def logits_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None, noise: Tensor | float = 0.0) -> Tensor:
    """[P + T, V] logits of one row."""
    own = adapter.body() if adapter is not None else None
    logits = (model if own is None else own).get_output_embeddings()(states_alone(model, row, adapter, noise))
    cap = getattr(model.config, "final_logit_softcapping", None)
    return cap * torch.tanh(logits / cap) if cap else logits


def loss_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None) -> Tensor:
    """The row's loss in nats, summed over its learnt tokens, or of its class."""
    if row.label is not None:
        scores = adapter.head()(states_alone(model, row, adapter)[-1].float())
        return F.cross_entropy(scores, torch.tensor(row.label))
    vectors = None if adapter is None else adapter.embeds()
    virtual = 0 if vectors is None else len(vectors)
    logits = logits_alone(model, row, adapter)
    total = logits.new_zeros(())
    for token, learnt in enumerate(row.learn):
        place = token + (virtual if token >= row.slot else 0)
        if learnt and place > 0:
            total = total + F.cross_entropy(logits[place - 1], torch.tensor(row.ids[token]))
    return total


def lesson_alone(
    model: torch.nn.Module, row: Encoded, adapter: Adapter, noise: Tensor, prompt: float, smoothing: float
) -> tuple[Tensor, Tensor]:
    """([T − 1] losses of all tokens but the first, [T − 1] their weights), with noise on the tokens' embeddings."""
    vectors = adapter.embeds()
    virtual = 0 if vectors is None else len(vectors)
    logits = logits_alone(model, row, adapter, noise)
    logits = logits[virtual:]  # they stand before everything
    losses = F.cross_entropy(logits[:-1], torch.tensor(row.ids[1:]), reduction="none", label_smoothing=smoothing)
    return losses, torch.tensor([1.0 if learnt else prompt for learnt in row.learn[1:]], dtype=losses.dtype)


def generate_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None, count: int) -> list[int]:
    """Greedy continuation without a cache: the whole row again for every token."""
    ids: list[int] = []
    for _ in range(count):
        grown = Encoded((*row.ids, *ids), (False,) * (len(row.ids) + len(ids)), row.slot)
        with torch.no_grad():
            ids.append(int(logits_alone(model, grown, adapter)[-1].argmax()))
    return ids
