"""Texts that are nearly the same: sets of five characters, compared by Jaccard's measure.

MinHash with banding finds the pairs worth comparing (Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900; Leskovec
et al., Mining of Massive Datasets, http://www.mmds.org, section 3.4); each of them is then compared exactly. With 20
bands of 5 a pair of measure 0.8 is missed less than once in two thousand times.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

LEAST = 0.8  # of all their sets of five characters, two near texts share so many
_LETTERS = 5
_BANDS, _LINES = 20, 5
_CROWD = 20  # texts of a bucket that a new one is compared with at most

Pair = tuple[int, int, float]  # numbers of an earlier and a later text, and their measure


def near(texts: Sequence[str], least: float = LEAST) -> list[Pair]:
    """For each text the earlier one that is nearest to it, if its measure is at least `least`. Case and spacing do not
    count; texts of fewer than five characters are near to nothing."""
    sets = [shingles(text) for text in texts]
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    found = []
    for number, mine in enumerate(sets):
        if not len(mine):
            continue
        places = list(_places(mine))
        others = {other for place in places for other in buckets[place][-_CROWD:]}
        best = max(((jaccard(sets[other], mine), -other) for other in others), default=(0.0, 0))
        if best[0] >= least:
            found.append((-best[1], number, best[0]))
        for place in places:
            buckets[place].append(number)
    return found


def shingles(text: str) -> np.ndarray:
    """[N] sorted hashes of the different runs of five characters in a text."""
    plain = " ".join(text.split()).casefold()
    codes = np.frombuffer(plain.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    if len(codes) < _LETTERS:
        return np.zeros(0, dtype=np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(codes, _LETTERS)
    return np.unique(_mixed((runs * _POWERS).sum(1, dtype=np.uint64)))


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """What two sets share, of all that is in either."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)


def _places(hashes: np.ndarray) -> Iterator[tuple[int, bytes]]:
    """The buckets of a text: each band of its signature."""
    for band, salts in enumerate(_SALTS):
        yield band, _mixed(hashes[:, None] ^ salts).min(0).tobytes()


def _mixed(values: np.ndarray) -> np.ndarray:
    """64-bit numbers, spread evenly: SplitMix64's finaliser (https://doi.org/10.1145/2660193.2660195)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_POWERS = np.array([0x9E3779B97F4A7C15**i % 2**64 for i in range(_LETTERS)], dtype=np.uint64)  # odd: none becomes 0
_SALTS = np.random.default_rng(0).integers(0, 2**64, size=(_BANDS, _LINES), dtype=np.uint64)
