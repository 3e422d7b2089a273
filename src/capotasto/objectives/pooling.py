"""Which of a row's states a head reads."""

import torch
from torch import Tensor

from capotasto.forward import Hidden


def pooled(hidden: Hidden, row: int, pooling: str) -> Tensor:
    """[H] features of a row.

    pooling: `cls` is the row's own first token, also behind virtual tokens; `last` its last; `mean` is over all of its
             states, those of virtual tokens too
    """
    places = hidden.layout.paths[row][hidden.ghosts[row] :]
    if pooling == "cls":
        slot, virtual = hidden.slots[row]
        first = 0 if slot else virtual
        places = places[first : first + 1]
    elif pooling == "last":
        places = places[-1:]
    return hidden.states[torch.as_tensor(places, device=hidden.states.device)].float().mean(0)
