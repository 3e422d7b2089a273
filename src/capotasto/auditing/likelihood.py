"""How likely is each candidate? All contenders are asked in the same mixed batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from capotasto import forward
from capotasto.auditing.probe import Comparison, Item
from capotasto.auditing.rows import encode, renderers
from capotasto.errors import AdapterError
from capotasto.evaluate.questions import BATCH_TOKENS, by_length, score
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.tokens.batches import cut
from capotasto.types import Encoded


@dataclass(frozen=True, slots=True)
class Scores:
    """One model's answer to one item with C candidates.

    nats:   [C] minus the log-probability of each
    tokens: [C] tokens of each
    greedy: [C] True where the model would write just that; None where it was not asked
    """

    nats: np.ndarray
    tokens: np.ndarray
    greedy: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Likelihood(Comparison):
    """A comparison by how likely candidates are.

    greedy: also ask whether each is what the model would write
    """

    greedy: bool = False

    def ask(self, base: Base, items: Sequence[Item], contenders: Sequence[Adapter | None]) -> list[list[Scores]]:
        """See `Comparison.ask`."""
        return likelihoods(base, items, contenders, self.greedy)


def likelihoods(
    base: Base, items: Sequence[Item], contenders: Sequence[Adapter | None], greedy: bool = False
) -> list[list[Scores]]:
    """Contender by contender the scores of each item.

    Batches hold whole items, so that what candidates have in common is computed once for each contender.
    Errors: a contender whose numbers are not finite.
    """
    reading = renderers(base, contenders)
    rows = [[encode(one, candidate) for one in reading for candidate in item.candidates] for item in items]
    sizes = [sum(len(row.ids) for row in own) for own in rows]
    found: list[list[Scores]] = [[] for _ in contenders]
    for batch in cut(range(len(items)), sizes, BATCH_TOKENS):
        mine = [row for i in batch for row in rows[i]]
        carried = [one for i in batch for one in contenders for _ in items[i].candidates]
        nats, tokens = score(base, mine, carried)
        _check_finite(nats, carried)
        hits = greedily(base, mine, carried) if greedy else None
        start = 0
        for i in batch:
            for told in found:
                part = slice(start, start + len(items[i].candidates))
                told.append(Scores(nats[part], tokens[part], None if hits is None else hits[part]))
                start = part.stop
    return found


def _check_finite(nats: np.ndarray, carried: Sequence[Adapter | None]) -> None:
    if not np.isfinite(nats).all():
        adapter = carried[int(np.flatnonzero(~np.isfinite(nats))[0])]
        who = "the base" if adapter is None else f"adapter {adapter.name!r}"
        raise AdapterError(
            f"{who} computes numbers that are not finite on the probes; take --dtype fp32 or train again"
        )


@torch.no_grad()
def greedily(base: Base, rows: Sequence[Encoded], adapters: Sequence[Adapter | None]) -> np.ndarray:
    """[N] True where each supervised token is the likeliest one at its place: what greedy decoding would write."""
    found = np.zeros(len(rows), dtype=bool)
    for batch in by_length([len(row.ids) for row in rows], adapters):
        mine = [adapters[i] for i in batch]
        hidden = forward.run(base, [rows[i] for i in batch], mine)
        for place, i in enumerate(batch):
            tokens = [token for token, learnt in enumerate(rows[i].learn) if learnt]
            sources = torch.tensor([hidden.before(place, token) for token in tokens], device=hidden.states.device)
            likeliest = forward.logits(base, hidden.states[sources], mine).argmax(-1).tolist()
            found[i] = likeliest == [rows[i].ids[token] for token in tokens]
    return found
