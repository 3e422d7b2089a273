"""Choosing among candidates by how they answer validation rows, which are never the rows that judge."""

from collections.abc import Sequence

from capotasto.comparing.contender import Ready
from capotasto.comparing.contest import Contest

FEWEST = 4  # rows on which candidates are compared in any case


def best(contest: Contest, candidates: Sequence[Ready], added: float, seconds: float) -> tuple[int, int]:
    """(the candidate with the best answers, on how many rows); of equals the first.

    added: tokens that a candidate puts before a question, on average
    """
    if len(candidates) == 1:
        return 0, 0
    rows = contest.task.splits.val[: affordable(contest, len(candidates), added, seconds)]
    merits = [contest.answer(candidate, rows).merit for candidate in candidates]
    return merits.index(max(merits)), len(rows)


def affordable(contest: Contest, candidates: int, added: float, seconds: float) -> int:
    """How many validation rows so many candidates can answer in this time."""
    each = (contest.question + added) * contest.timetable.pace
    return max(FEWEST, int(seconds / (candidates * each)))
