"""Which rows each step of a training has: everything here follows from the rows and the settings alone."""

from collections.abc import Sequence

from capotasto.tokens.batches import epoch_batches
from capotasto.tokens.curriculum import Curriculum
from capotasto.tokens.mixture import Mixture
from capotasto.training.settings import TrainSettings


class Order:
    """The batches of each pass of a training. A pass is an epoch, or under a curriculum the part of one in play.

    lengths:    tokens of each row
    mixture:    of several tasks; left out: each epoch has each row once
    curriculum: easy rows first; it changes which rows a step has, never the number of steps
    """

    def __init__(
        self,
        lengths: Sequence[int],
        settings: TrainSettings,
        mixture: Mixture | None = None,
        curriculum: Curriculum | None = None,
    ):
        self.lengths, self.settings, self.mixture, self.curriculum = list(lengths), settings, mixture, curriculum
        self._kept: tuple[int, list[list[int]]] | None = None
        epochs = [len(self._cut(epoch, 1.0)) for epoch in range(settings.epochs)]  # not all of the same number
        self.epoch_steps, self.steps = epochs[0], sum(epochs)
        # For each pass, the share of rows in play and the number of its steps.
        self.passes = [(1.0, count) for count in epochs] if curriculum is None else self._paced(curriculum)

    def batches(self, number: int) -> list[list[int]]:
        """The batches of a pass, as row indices; the same whenever they are asked for."""
        if self._kept is None or self._kept[0] != number:
            share, count = self.passes[number]
            self._kept = number, self._cut(number, share)[:count]
        return self._kept[1]

    def _paced(self, curriculum: Curriculum) -> list[tuple[float, int]]:
        """Passes over the rows in play, whose share is set anew before each; the last is cut at the last step."""
        passes: list[tuple[float, int]] = []
        done = 0
        while done < self.steps:
            share = curriculum.share(done / self.steps)
            count = min(len(self._cut(len(passes), share)), self.steps - done)
            passes.append((share, count))
            done += count
        return passes

    def _cut(self, number: int, share: float) -> list[list[int]]:
        rows: Sequence[int] = self.mixture.rows(number) if self.mixture else range(len(self.lengths))
        if self.curriculum is not None:
            rows = self.curriculum.in_play(rows, share)
        return epoch_batches(self.lengths, self.settings.batch_tokens, self.settings.seed, number, rows)
