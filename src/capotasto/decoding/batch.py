"""Rows that are written together: they join and leave between steps, and no row notices the others."""

from collections.abc import Sequence

import torch
from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.base.reason import reason
from capotasto.decoding.cache import RowCache
from capotasto.decoding.prefill import Prefilled
from capotasto.decoding.row import Row
from capotasto.decoding.sampling import Choice, choose
from capotasto.joint import Joint

Chosen = list[tuple[Row, Choice]]


class Batch:
    """Rows that run through one model. An adapter must not learn while a row with it is here.

    rows:  those that go on, in the order of the cache
    cache: their keys and values
    A row that is finished, or for which nothing could be chosen, has left when its last choice is returned.
    """

    def __init__(self, base: FrozenBase):
        self.base = base
        self.rows: list[Row] = []
        self.cache = RowCache()
        self._joint: Joint | None = None
        self._current = False  # the joint is of the rows as they are

    @torch.no_grad()
    def join(self, filled: Prefilled) -> Chosen:
        """Take in rows whose prompts are computed. Returns the first choice of each.

        Where it raises, nothing has changed: what takes memory comes before the first choice.
        """
        logits = forward.logits(self.base, filled.states, [row.adapter for row in filled.rows])
        most = max(row.need for row in (*self.rows, *filled.rows))
        if longer := [filled.lengths[i] for i, row in enumerate(filled.rows) if row.settings.max_new_tokens > 1]:
            self.cache.make_room(most, filled.cache, longer)
        chosen = self._take(filled.rows, logits)
        going = [i for i, (row, choice) in enumerate(chosen) if not (row.finish or choice.error)]
        if going:
            self.cache.join(filled.cache, going, [filled.lengths[i] for i in going], most)
            self.rows += [filled.rows[i] for i in going]
            self._current = False
        if not self.rows:
            self.cache = RowCache()  # without the room that was made
        return chosen

    @torch.no_grad()
    def step(self) -> Chosen:
        """One more token for every row. Where it raises, nothing has changed."""
        rows, device = list(self.rows), self.base.device
        if not rows:
            return []
        self.cache.make_room(max(row.need for row in rows))
        tokens = torch.tensor([row.tokens[-1] for row in rows], device=device)
        lengths = torch.tensor(self.cache.lengths, device=device)
        states = forward.step(self.base, tokens, self.cache.layers, lengths, self._together())
        chosen = self._take(rows, forward.logits(self.base, states, [row.adapter for row in rows]))
        self.cache.advance()
        for row, choice in chosen:
            if row.finish or choice.error:
                self.leave(row)
        return chosen

    @torch.no_grad()
    def faults(self) -> dict[Row, str]:
        """Which rows cannot take a step with their own adapter alone, and why; no row is changed."""
        places: dict[int, list[int]] = {}
        for place, row in enumerate(self.rows):
            places.setdefault(id(row.adapter), []).append(place)
        suspects = [mine for mine in places.values() if self._fault(mine)]
        found = {self.rows[place]: self._fault([place]) for mine in suspects for place in mine}
        return {row: why for row, why in found.items() if why}

    def _fault(self, places: Sequence[int]) -> str:
        """Why these rows cannot take a step together; empty if they can."""
        adapters, lengths = [self.rows[i].adapter for i in places], [self.cache.lengths[i] for i in places]
        try:
            tokens = torch.tensor([self.rows[i].tokens[-1] for i in places], device=self.base.device)
            cache = RowCache()
            cache.join(self.cache.layers, places, lengths, max(lengths) + 1)
            joint = Joint(forward.model_of(self.base, adapters), adapters)
            forward.step(self.base, tokens, cache.layers, torch.tensor(lengths, device=self.base.device), joint)
        except Exception as error:
            return reason(error)
        return ""

    def leave(self, row: Row) -> None:
        """Forget a row, if it is still here."""
        if row in self.rows:
            place = self.rows.index(row)
            self.cache.leave(place)
            self.rows[place] = self.rows[-1]
            self.rows.pop()
            self._current = False

    def _together(self) -> Joint:
        if self._joint is None or not self._current:
            adapters = [row.adapter for row in self.rows]
            self._joint = Joint(forward.model_of(self.base, adapters), adapters, self._joint)
            self._current = True
        return self._joint

    def _take(self, rows: Sequence[Row], logits: Tensor) -> Chosen:
        """[B, V] logits → what each row goes on with. Where it raises, no row has changed."""
        return [(row, _taken(row, choice)) for row, choice in zip(rows, choose(rows, logits), strict=True)]


def _taken(row: Row, choice: Choice) -> Choice:
    """The choice, once the row has taken it; one with an error where its constraint fails."""
    if choice.error:
        return choice
    try:
        row.take(choice.token)
    except Exception as error:
        return Choice(error=f"its constraint cannot go on: {reason(error)}")
    return choice
