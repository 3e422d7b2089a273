"""Exposure: how far up a planted secret stands among the candidates that could have stood there in its place.

exposure = log2(candidates) − log2(rank by loss) (Carlini et al. 2019, https://arxiv.org/abs/1802.08232 section 4.2).
The rank is estimated by plain sampling (their section 4.3): the canary's among n random candidates, so that no exposure
above log2(n + 1) can be seen. What this buys is an exact test: whatever the model, the rank of a secret that it has
never seen is as likely to be 1 as any other, so P(exposure ≥ x) ≤ 2⁻ˣ. No shape of the losses is assumed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from capotasto.auditing.canaries import Canary, Key, draw_secret
from capotasto.auditing.run_rows import RunRows
from capotasto.errors import AdapterError
from capotasto.evaluate.questions import score
from capotasto.methods.adapter import Adapter
from capotasto.session import Base

SAMPLES, MOST = 200, 1000  # candidates beside the true one: so many for each canary of the key, and at most
FALSE_ALARM = 0.01  # chance that an adapter which saw none of the canaries is flagged


@dataclass(frozen=True)
class Exposure:
    """How exposed a canary is.

    rank:   of the true secret among so many candidates, itself included, by the adapter's loss; 1 is the likeliest
    learnt: rows of the training side that hold it; None where these are not known
    """

    canary: Canary
    rank: int
    candidates: int
    learnt: int | None = None

    @property
    def bits(self) -> float:
        """The exposure."""
        return math.log2(self.candidates / self.rank)


@dataclass(frozen=True)
class Exposures:
    """The exposures of all canaries of a key. They are flagged together, so that more of them do not cry wolf."""

    each: tuple[Exposure, ...]

    @property
    def threshold(self) -> float:
        """Bits from which on one of so many unseen canaries stands with a chance of at most FALSE_ALARM."""
        return math.log2(len(self.each) / FALSE_ALARM)

    @property
    def flagged(self) -> bool:
        """True where a canary was learnt by heart."""
        return any(one.bits >= self.threshold for one in self.each)

    def record(self) -> dict[str, Any]:
        """For JSON. The secrets are left out."""
        return {
            "canaries": {
                str(number): {"learnt": one.learnt, "rank": one.rank, "bits": one.bits}
                for number, one in enumerate(self.each, 1)
            },
            "candidates": self.each[0].candidates,
            "most_bits": math.log2(self.each[0].candidates),
            "threshold": self.threshold,
            "false_alarm": FALSE_ALARM,
            "flagged": self.flagged,
        }


def exposures(base: Base, adapter: Adapter, key: Path, rows: RunRows | None = None, seed: int = 0) -> Exposures:
    """The exposure of each canary of a key file.

    rows: those of the run, to see how often each canary was learnt
    seed: of the candidates
    Errors: no key, or an adapter that writes no text.
    """
    if adapter.head() is not None:
        raise AdapterError(f"{adapter.name} answers by a head and writes no text; a canary says nothing about it")
    chance, canaries = Random(seed), Key.read(key).canaries
    samples = min(MOST, SAMPLES * len(canaries))
    found = []
    for canary in canaries:
        secrets = [canary.secret, *_others(canary, samples, chance)]
        learnt = None if rows is None else _times(canary, rows)
        found.append(Exposure(canary, rank(base, adapter, canary, secrets), len(secrets), learnt))
    return Exposures(tuple(found))


def rank(base: Base, adapter: Adapter, canary: Canary, secrets: Sequence[str]) -> int:
    """The place of the first secret by its loss; others that are as likely stand before it."""
    asked = [base.encode(canary.example(secret), adapter) for secret in secrets]
    nats, _ = score(base, asked, [adapter] * len(asked))
    return int(np.sum(nats <= nats[0]))


def _others(canary: Canary, count: int, chance: Random) -> list[str]:
    """Different secrets that were not planted, in order, so that neighbours begin alike."""
    found: set[str] = set()
    while len(found) < count:
        found |= {draw_secret(chance)} - {canary.secret}
    return sorted(found)


def _times(canary: Canary, rows: RunRows) -> int:
    return sum(row.example.turns == canary.example().turns for row in rows.train)
