"""How likely each token of a prompt is, for `echo` with `logprobs`."""

import torch

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.serve.asks import Piece
from capotasto.types import Encoded

_PLACES = 256  # whose logits are in memory at a time


@torch.no_grad()
def pieces(base: FrozenBase, row: Encoded, adapter: Adapter | None, top: int) -> list[Piece]:
    """A piece for each token. The first has no logprob where nothing stands before it."""
    hidden = forward.run(base, [row], [adapter])
    before = [hidden.before(0, place) for place in range(len(row.ids))]
    found: list[Piece] = []
    for start in range(0, len(before), _PLACES):
        places = before[start : start + _PLACES]
        chances = forward.logits(base, hidden.states[torch.tensor(places)], [adapter]).log_softmax(-1)
        best = chances.topk(top)
        for line, (place, token) in enumerate(zip(places, row.ids[start:], strict=False)):
            likely = tuple(zip(best.indices[line].tolist(), best.values[line].tolist(), strict=True))
            own = (float(chances[line, token]), likely) if place >= 0 else (None, ())
            found.append(Piece("", token, *own))
    return found
