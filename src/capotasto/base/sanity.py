"""Does a converted model still speak English, or is it nonsense?"""

import math
from typing import Any

import torch

from capotasto.errors import BaseError

_SENTENCES = (
    "The sun rises in the east and sets in the west.",
    "She opened the door, walked into the kitchen and made a cup of tea.",
    "Water boils at one hundred degrees and freezes at zero.",
)

# Nats per token. A small trained model stays under 5 on these sentences; an untrained one is near log(vocabulary),
# which is 10.8 for 49,152 tokens, and wrongly unpacked weights are usually above it.
_LIMIT = 6.0
_SHARE_OF_CHANCE = 0.75  # for small vocabularies, where 6 nats would prove nothing


@torch.no_grad()
def mean_loss(model: Any, tokenizer: Any) -> float:
    """Nats per token of a few plain English sentences."""
    total, count = 0.0, 0
    for text in _SENTENCES:
        ids = torch.tensor([tokenizer(text).input_ids])  # [1, T]
        logits = model(ids).logits[0, :-1].float()  # [T - 1, V]
        total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
        count += ids.shape[1] - 1
    return total / count


def check(model: Any, tokenizer: Any, place: str) -> None:
    """Refuse a model whose loss is near that of chance, or not a number."""
    chance = math.log(model.get_input_embeddings().weight.shape[0])
    limit = min(_LIMIT, _SHARE_OF_CHANCE * chance)
    loss = mean_loss(model, tokenizer)
    if not loss < limit:
        raise BaseError(
            f"{place} speaks nonsense after conversion: {loss:.1f} nats per token on plain English, expected under "
            f"{limit:.1f} (chance is {chance:.1f}); the file is damaged or wrongly converted: fetch another"
        )
