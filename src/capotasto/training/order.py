"""Which rows each step of a training has: everything here follows from the rows and the settings alone."""

from collections.abc import Sequence

from capotasto.tokens.batches import epoch_batches
from capotasto.tokens.curriculum import Curriculum
from capotasto.tokens.mixture import Mixture
from capotasto.tokens.replay import Replay
from capotasto.training.settings import TrainSettings


class Order:
    """The batches of each pass of a training. A pass is an epoch, or under a curriculum the part of one in play.

    lengths:    tokens of each row
    mixture:    of several tasks; left out: each epoch has each row once
    curriculum: easy rows first; it changes which rows a step has, never the number of steps
    replay:     general text, whose rows stand behind those of the tasks; it takes its share of each step's tokens
    """

    def __init__(
        self,
        lengths: Sequence[int],
        settings: TrainSettings,
        mixture: Mixture | None = None,
        curriculum: Curriculum | None = None,
        replay: Replay | None = None,
    ):
        self.lengths, self.settings = list(lengths), settings
        self.mixture, self.curriculum, self.replay = mixture, curriculum, replay
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
        own = len(self.lengths) - (len(self.replay.rows) if self.replay else 0)
        rows: Sequence[int] = self.mixture.rows(number) if self.mixture else range(own)
        if self.curriculum is not None:
            rows = self.curriculum.in_play(rows, share)
        room = self.settings.batch_tokens * (1 - self.replay.share if self.replay else 1)
        batches = epoch_batches(self.lengths, max(1, round(room)), self.settings.seed, number, rows)
        return self.replay.among(batches, self.lengths, number) if self.replay else batches
