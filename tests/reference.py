"""The naive twins: the same results by the five obvious lines, one row at a time, through the model's own code."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded


def untouched(base: FrozenBase) -> torch.nn.Module:
    """A copy of the model as transformers made it, with its plainest attention."""
    model = copy.deepcopy(base.model)
    for module in model.modules():
        module.__dict__.pop("forward", None)
    model.config.get_text_config()._attn_implementation = "eager"
    return model


def logits_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None) -> Tensor:
    """[P + T, V] logits of one row: embed, concatenate, call."""
    embeds = model.get_input_embeddings()(torch.tensor(row.ids)).detach()
    if adapter is not None:
        embeds = torch.cat([embeds[: row.slot], adapter.embeds().to(embeds.dtype), embeds[row.slot :]])
    return model(inputs_embeds=embeds[None], use_cache=False).logits[0]


def loss_alone(model: torch.nn.Module, row: Encoded, adapter: Adapter | None) -> Tensor:
    """The row's loss in nats, summed over its learnt tokens."""
    virtual = 0 if adapter is None else len(adapter.embeds())
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
