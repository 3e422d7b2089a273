"""Correlation of columns of numbers over weighted rows."""

import numpy as np


def correlation(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[R, N] or [N] numbers, [R, N] weights → [R] Pearson correlations; 0 where one of the two does not vary."""
    total = weights.sum(1, keepdims=True)
    one = one - (weights * one).sum(1, keepdims=True) / total
    other = other - (weights * other).sum(1, keepdims=True) / total
    spread = np.sqrt((weights * one**2).sum(1) * (weights * other**2).sum(1))
    return np.divide((weights * one * other).sum(1), spread, out=np.zeros(len(weights)), where=spread > 1e-12)


def ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[N] values, [R, N] times each occurs → [R, N] rank of each among what occurs; like values share their mean."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # of the groups of like values
    times = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(times, axis=1) - times / 2 + 0.5
    found = np.empty_like(weights, dtype=float)
    found[:, order] = np.repeat(middle, np.diff(np.r_[starts, len(values)]), axis=1)
    return found
