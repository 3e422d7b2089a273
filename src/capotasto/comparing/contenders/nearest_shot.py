"""For each question the training rows most like it, as earlier turns of one dialogue, the most similar last.

Source: Liu et al. 2022, https://arxiv.org/abs/2101.06804, section 3 (nearest neighbours as in-context examples). Alike
are texts with the same rare words (`similarity`).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from typing_extensions import override

from capotasto.comparing.choosing import best
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contenders.few_shot import PLAIN, ROOM
from capotasto.comparing.contest import Contest
from capotasto.comparing.framing import after_dialogues
from capotasto.comparing.similarity import Similar
from capotasto.types import Example

COUNTS = (1, 2, 4)  # examples that are tried


@dataclass(frozen=True)
class Nearest:
    """Puts the training rows that are most like a row before it, as many of them as fit."""

    contest: Contest
    similar: Similar
    count: int

    def __call__(self, example: Example) -> Example:
        """The row behind its examples."""
        train, left = self.contest.task.splits.train, ROOM * self.contest.max_length
        shots: list[Example] = []
        for number in self.similar.nearest(example.prompt, self.count):
            if (size := self.contest.size(train[number])) <= left:
                shots.insert(0, train[number])
                left -= size
        return after_dialogues(example, shots)


class NearestShot(Contender):
    """How many rows is chosen on validation rows."""

    kind = "retrieval"
    how = "the base first reads, for each question, the training rows most like it with their answers"

    @override
    def unfit(self, contest: Contest) -> str:
        return PLAIN if contest.plain else ""

    @override
    def added(self, contest: Contest) -> float:
        return COUNTS[-1] * usual(contest)

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        return with_nearest(contest, Ready(), seconds)


def with_nearest(contest: Contest, ready: Ready, seconds: float) -> Ready:
    """`ready` behind the nearest training rows, as many as are best on validation rows."""
    similar = Similar([row.prompt for row in contest.task.splits.train])
    candidates = [Ready(Nearest(contest, similar, count), ready.adapters) for count in COUNTS]
    which, rows = best(contest, candidates, usual(contest) * sum(COUNTS) / len(COUNTS), seconds)
    size = sum(len(turn.content.encode()) for row in contest.task.splits.train for turn in row.turns)
    settings = {**ready.settings, "shots": COUNTS[which], "rows": rows}
    return replace(ready, frame=candidates[which].frame, settings=settings, bytes=ready.bytes + size)


def usual(contest: Contest) -> float:
    """Tokens of an example on average."""
    rows = contest.task.splits.train[:50]
    return min(sum(contest.size(row) for row in rows) / len(rows), ROOM * contest.max_length / COUNTS[-1])


NEAREST_SHOT = NearestShot()
