"""Which rows each step of a training has: everything here follows from the rows and the settings alone."""

from collections.abc import Sequence

from capotasto.tokens.batches import epoch_batches
from capotasto.tokens.mixture import Mixture
from capotasto.training.settings import TrainSettings


class Order:
    """The batches of each epoch of a training.

    lengths: tokens of each row
    mixture: of several tasks; left out: each epoch has each row once
    """

    def __init__(self, lengths: Sequence[int], settings: TrainSettings, mixture: Mixture | None = None):
        self.lengths, self.settings, self.mixture = list(lengths), settings, mixture
        self._kept: tuple[int, list[list[int]]] | None = None
        self.sizes = [len(self.batches(epoch)) for epoch in range(settings.epochs)]  # not all of the same number

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole training."""
        return sum(self.sizes)

    def batches(self, epoch: int) -> list[list[int]]:
        """The batches of an epoch, as row indices; the same whenever they are asked for."""
        if self._kept is None or self._kept[0] != epoch:
            rows = self.mixture.rows(epoch) if self.mixture else None
            budget, seed = self.settings.batch_tokens, self.settings.seed
            self._kept = epoch, epoch_batches(self.lengths, budget, seed, epoch, rows)
        return self._kept[1]
