"""The vocabulary's tokens that lie nearest to virtual tokens."""

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from capotasto.methods.adapter import Adapter
    from capotasto.session import Base


@torch.no_grad()
def nearest(base: "Base", adapter: "Adapter") -> list[tuple[str, float]]:
    """For each virtual token among the embeddings the text of the token with the largest cosine [-1, 1], and that."""
    own = adapter.embeds()
    if own is None:
        return []
    ids = torch.arange(len(base.tokenizer), device=base.device)  # the embedding may have rows that are no token's
    known = base.embedding(ids).float()  # [V, E]
    vectors = torch.nn.functional.normalize(own.float(), dim=1)  # [P, E]
    cosines = vectors @ known.T / known.norm(dim=1).clamp_min(1e-12)  # [P, V]
    best, which = cosines.max(dim=1)
    return [(str(base.tokenizer.decode([i])), value) for i, value in zip(which.tolist(), best.tolist(), strict=True)]
