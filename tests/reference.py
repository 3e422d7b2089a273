"""The naive twins: the same results by the five obvious lines, one row at a time, through the model's own code."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import DynamicCache

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


def states_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None) -> Tensor:
    """[P + T, H] last hidden states of one row: embed, concatenate, call; every hook in its plainest way."""
    adapter = adapter.of_task(row.task) if adapter is not None else None
    own = adapter.body() if adapter is not None else None
    if own is not None:
        model = plain(own)
    embeds = model.get_input_embeddings()(torch.tensor(row.ids))
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
    places = torch.arange(start, start + len(embeds))[None]
    mask = torch.ones(1, start + len(embeds))
    out = model.base_model(
        inputs_embeds=embeds[None], position_ids=places, attention_mask=mask, past_key_values=cache,
        use_cache=cache is not None,
    )  # fmt: skip
    for handle in handles:
        handle.remove()
    return out.last_hidden_state[0]


def logits_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None) -> Tensor:
    """[P + T, V] logits of one row."""
    own = adapter.body() if adapter is not None else None
    logits = (model if own is None else own).get_output_embeddings()(states_alone(model, row, adapter))
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


def generate_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None, count: int) -> list[int]:
    """Greedy continuation without a cache: the whole row again for every token."""
    ids: list[int] = []
    for _ in range(count):
        grown = Encoded((*row.ids, *ids), (False,) * (len(row.ids) + len(ids)), row.slot)
        with torch.no_grad():
            ids.append(int(logits_alone(model, grown, adapter)[-1].argmax()))
    return ids
