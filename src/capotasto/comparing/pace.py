"""How fast this machine reads rows and writes answers."""

from capotasto.comparing.answering import answer
from capotasto.comparing.contender import Ready
from capotasto.comparing.contest import Contest

ROWS = 8  # training rows that are read twice: the first pass warms up


def measured(contest: Contest) -> tuple[float, float]:
    """(seconds of the base for one token of a batch, without gradients; seconds for one written answer)."""
    rows = contest.task.splits.train[:ROWS]
    found = [answer(contest.base, Ready(), rows, contest.labels, contest.max_length) for _ in range(2)]
    reading = found[1].seconds
    writing = contest.judged(Ready(), rows).seconds - reading if contest.wishes.writes else 0.0
    return reading / found[1].tokens, max(0.0, writing) / len(rows)
