"""Noise on input embeddings in training: uniform numbers that follow from a seed and the text alone.

Source: NEFTune, https://arxiv.org/abs/2310.05914, section 2. The generator is SplitMix64 (Steele, Lea and Flood 2014,
https://doi.org/10.1145/2660193.2660195), asked by number instead of in turn: what a token gets depends on the seed and
on the tokens up to it. So rows that begin alike get alike noise there and may share that beginning, and a row gets the
same whatever other rows it shares a batch with.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

_STEP = 0x9E3779B97F4A7C15
_ALL = (1 << 64) - 1


def uniform(ids: Sequence[int], width: int, seed: int) -> Tensor:
    """[T, width] numbers from −1 to 1 in fp64; row t follows from `seed` and ids[: t + 1]."""
    states, state = np.empty(len(ids), dtype=np.uint64), seed & _ALL
    for token, one in enumerate(ids):
        state = (state * 0xD1342543DE82EF95 + one + 1) & _ALL
        states[token] = state
    counters = np.arange(1, width + 1, dtype=np.uint64) * np.uint64(_STEP)
    drawn = _mixed(_mixed(states)[:, None] + counters)
    return torch.from_numpy((drawn >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """SplitMix64's scrambling of 64-bit numbers."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
