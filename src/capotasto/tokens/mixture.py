"""Which rows of several tasks an epoch has, by given rates, as a pure function of seed and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def mixing_rates(sizes: Sequence[int], by: str, temperature: float, weights: Sequence[float]) -> list[float]:
    """The share of each task among the rows, in all 1.

    sizes:       training rows of each task, n
    by:          `proportional` (∝ n), `equal`, or `temperature` (∝ n^(1/T): T = 1 is proportional, ∞ equal;
                 https://arxiv.org/abs/1910.10683 section 3.5.2, https://arxiv.org/abs/1907.05019 section 4.1)
    weights:     a factor of each task's share, positive
    """
    power = {"proportional": 1.0, "equal": 0.0, "temperature": 1 / temperature}[by]
    shares = [weight * size**power for size, weight in zip(sizes, weights, strict=True)]
    return [share / sum(shares) for share in shares]


@dataclass(frozen=True)
class Mixture:
    """Tasks whose rows stand one after another, and the share that each has in an epoch.

    An epoch has as many rows as all tasks together. A task's rows come in passes, each in an order of its own, which go
    on from epoch to epoch: no row comes again before all others of its task have come.

    sizes: rows of each task
    rates: share of each task, in all 1
    """

    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    seed: int

    def rows(self, epoch: int) -> list[int]:
        """The row indices of an epoch, task by task."""
        found, start = [], 0
        for task, (size, rate) in enumerate(zip(self.sizes, self.rates, strict=True)):
            quota = rate * sum(self.sizes)  # rows an epoch on average; rounded here and made good later
            first, last = (int(quota * count + 0.5) for count in (epoch, epoch + 1))
            found += [start + row for row in self._passes(task, size, first, last)]
            start += size
        return found

    def _passes(self, task: int, size: int, first: int, last: int) -> list[int]:
        """Places `first` to `last` of a task's endless series of passes."""
        numbers = range(first // size, -(-last // size))
        series = [row for number in numbers for row in self._pass(task, size, number)]
        begin = first - numbers.start * size
        return series[begin : begin + last - first]

    def _pass(self, task: int, size: int, number: int) -> list[int]:
        return np.random.default_rng([self.seed, task, number]).permutation(size).tolist()
