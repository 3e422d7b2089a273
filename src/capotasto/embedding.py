"""What enters the model at each flat position: embeddings of tokens, and the vectors of virtual tokens among them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from capotasto.layout import Layout


def at_tokens(
    layout: Layout, slots: list[tuple[int, int]], ghosts: list[int], noise: Sequence[Tensor | None]
) -> list[tuple[Tensor, Tensor]]:
    """([T] flat positions of a row's own tokens, its [T, E] noise) for each row that has any."""
    found = []
    for path, (slot, virtual), ghost, own in zip(layout.paths, slots, ghosts, noise, strict=False):
        if own is not None:
            places = np.delete(path[ghost:], np.s_[slot : slot + virtual])
            found.append((torch.from_numpy(places).to(layout.ids.device), own))
    return found


def embed(
    model: PreTrainedModel, layout: Layout, vectors: list[Tensor | None], added: list[tuple[Tensor, Tensor]]
) -> Tensor:
    """[N, E] input embeddings: the model's own at tokens, with what is added there, the adapters' at virtual tokens."""
    flat = model.get_input_embeddings()(layout.ids)
    if added:
        noise = torch.zeros_like(flat)
        for places, values in added:
            noise[places] = values.to(flat)
        flat = flat + noise
    pieces, place = [], 0
    for adapter, start in layout.virtual:
        own = vectors[adapter]
        assert own is not None
        virtual = own.to(flat.dtype)
        pieces += [flat[place:start], virtual]
        place = start + len(virtual)
    return torch.cat([*pieces, flat[place:]]) if pieces else flat
