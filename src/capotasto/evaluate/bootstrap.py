"""Confidence intervals by resampling rows: Efron's percentile bootstrap, paired where two models answered the same."""

import numpy as np

from capotasto.types import Measure

RESAMPLES = 2000


def resamples(rows: int, seed: int = 0, prompts: np.ndarray | None = None) -> np.ndarray:
    """[R, N] how often each row occurs in each resample; the first line is the data themselves.

    prompts: [N] number of each row's prompt, where rows of one prompt are drawn together: what is true of one of them
             is true of the others, and drawn one by one they would make intervals look narrower than they are
    """
    random = np.random.default_rng(seed)
    units = rows if prompts is None else int(prompts.max()) + 1
    drawn = random.multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    return np.vstack([np.ones(rows), drawn if prompts is None else drawn[:, prompts]])


def interval(values: np.ndarray) -> Measure:
    """[R] a number of the data themselves, then of each resample, as `resamples` has them → the number with its 95 %
    interval."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Measure(float(values[0]), float(low), float(high))
