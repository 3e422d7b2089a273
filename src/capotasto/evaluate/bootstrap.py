"""Confidence intervals by resampling rows: Efron's percentile bootstrap, paired where two models answered the same."""

from collections.abc import Callable

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.types import Measure

RESAMPLES = 2000
Metric = Callable[[Answers, np.ndarray], np.ndarray | None]


def resamples(rows: int, seed: int = 0) -> np.ndarray:
    """[R, N] how often each row occurs in each resample; the first line is the data themselves."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES)
    return np.vstack([np.ones(rows), drawn])


def measure(metric: Metric, answers: Answers, weights: np.ndarray) -> Measure | None:
    """A metric with its 95 % interval over the rows."""
    values = metric(answers, weights)
    return None if values is None else interval(values)


def difference(metric: Metric, one: Answers, other: Answers, weights: np.ndarray) -> Measure | None:
    """`one` minus `other` on the same rows, resampled together."""
    first, second = metric(one, weights), metric(other, weights)
    return None if first is None or second is None else interval(first - second)


def interval(values: np.ndarray) -> Measure:
    """[R] a number of the data themselves, then of each resample, as `resamples` has them → the number with its 95 %
    interval."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Measure(float(values[0]), float(low), float(high))
