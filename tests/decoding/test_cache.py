"""The rows' cache against a list of rows, and its memory against what is said of it."""

import random

import pytest
import torch

from capotasto.decoding.cache import RowCache, bytes_of
from tests.decoding.making import shared_base

LAYERS, K, D = 2, 2, 8  # of the tiny base


class Twin:
    """A cache and beside it the plain list of its rows, each (keys and values [L, 2, K, S, D], its most places)."""

    def __init__(self, seed):
        self.chance, self.cache, self.rows, self.allowed = random.Random(seed), RowCache(), [], 0

    @property
    def most(self):
        return max((most for _, most in self.rows), default=0)

    def join(self):
        new = [torch.randn(LAYERS, 2, K, self.chance.randrange(1, 90), D).double() for _ in range(3)]
        wide = torch.ones(LAYERS, 2, 3, K, max(one.shape[3] for one in new), D).double()
        for i, one in enumerate(new):
            wide[:, :, i, :, : one.shape[3]] = one
        chosen = self.chance.sample(range(3), self.chance.randrange(1, 4))
        self.rows += [(new[i], new[i].shape[3] + self.chance.randrange(1, 40)) for i in chosen]
        kept = {layer: (wide[layer, 0], wide[layer, 1]) for layer in range(LAYERS)}
        self.cache.join(kept, chosen, [new[i].shape[3] for i in chosen], self.most)

    def leave(self):
        gone = self.chance.randrange(len(self.rows))
        self.cache.leave(gone)
        self.rows[gone] = self.rows[-1]
        self.rows.pop()

    def step(self):
        for row in [i for i, (kept, most) in enumerate(self.rows) if kept.shape[3] == most][::-1]:
            self.cache.leave(row)
            self.rows[row] = self.rows[-1]
            self.rows.pop()
        if self.rows:
            self.cache.make_room(self.most)
            new = torch.randn(LAYERS, 2, len(self.rows), K, 1, D).double()
            for layer, pair in self.cache.layers.items():
                for which, part in enumerate(pair):
                    part[range(len(self.rows)), :, self.cache.lengths] = new[layer, which, :, :, 0]
            self.cache.advance()
            self.rows = [(torch.cat([kept, new[:, :, i]], 3), most) for i, (kept, most) in enumerate(self.rows)]

    def check(self):
        self.allowed = max(self.allowed, bytes_of(shared_base("llama"), len(self.rows), self.most))
        assert self.cache.bytes <= self.allowed
        assert self.cache.lengths == [kept.shape[3] for kept, _ in self.rows]
        for row, (kept, _) in enumerate(self.rows):
            mine = torch.stack([torch.stack([part[row] for part in self.cache.layers[n]]) for n in range(LAYERS)])
            assert torch.equal(mine[:, :, :, : kept.shape[3]], kept)
            assert not mine[:, :, :, kept.shape[3] :].any(), "what is masked is finite"


@pytest.mark.parametrize("seed", range(6))
def test_rows_stay_what_they_are_wherever_they_stand(seed):
    twin = Twin(seed)
    for _ in range(150):
        kind = twin.chance.random()
        if kind < 0.2 or not twin.rows:
            twin.join()
        elif kind < 0.4:
            twin.leave()
        else:
            twin.step()
        twin.check()
    while twin.rows:
        twin.leave()
    assert twin.cache.bytes == 0
