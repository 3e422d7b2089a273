"""The same few training rows before every question, as earlier turns of one dialogue."""

from collections import defaultdict
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from typing_extensions import override

from capotasto.comparing.choosing import best
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contest import Contest
from capotasto.comparing.framing import after_dialogues
from capotasto.types import Example

COUNTS = (1, 2, 4, 8)  # examples that are tried
ROOM = 0.5  # share of a row's tokens that examples may take; the rest is the question's
PLAIN = "plain text has no questions that examples could stand before"


class FewShot(Contender):
    """How many rows is chosen on validation rows."""

    kind = "prompting"
    how = "the base first reads the same few training rows with their answers"

    @override
    def unfit(self, contest: Contest) -> str:
        return PLAIN if contest.plain else "" if _chosen(contest) else "no training row is short enough for an example"

    @override
    def added(self, contest: Contest) -> float:
        return contest.read_once(sum(contest.size(shot) for shot in _chosen(contest)))

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        shots = _chosen(contest)
        counts = [count for count in COUNTS if count <= len(shots)]
        candidates = [_ready(shots[:count]) for count in counts]
        which, rows = best(contest, candidates, self.added(contest), seconds)
        return candidates[which] if not rows else _ready(shots[: counts[which]], rows)


def _ready(shots: list[Example], rows: int = 0) -> Ready:
    settings = {"shots": len(shots), "examples": [shot.place for shot in shots], "rows": rows}
    size = sum(len(turn.content.encode()) for shot in shots for turn in shot.turns)
    return Ready(partial(after_dialogues, shots=shots), settings=settings, bytes=size)


def _chosen(contest: Contest) -> list[Example]:
    """Training rows that fit, drawn by the seed and of each label in turn."""
    rows = contest.task.splits.train
    order = np.random.default_rng([contest.settings.seed, 2]).permutation(len(rows))
    by_label: defaultdict[str | None, list[Example]] = defaultdict(list)
    for number in order:
        by_label[rows[number].label].append(rows[number])
    room = ROOM * contest.max_length
    found: list[Example] = []
    for row in chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label, key=str)))):
        if len(found) == COUNTS[-1] or room <= 0:
            break
        if row is not None and (size := contest.size(row)) <= min(room, ROOM * contest.max_length / 2):
            found.append(row)
            room -= size
    return found


FEW_SHOT = FewShot()
