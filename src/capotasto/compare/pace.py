"""How fast this machine reads rows."""

from capotasto.compare.answering import answer
from capotasto.compare.contender import Ready
from capotasto.compare.contest import Contest

ROWS = 8  # training rows that are read twice: the first pass warms up


def measured(contest: Contest) -> float:
    """Seconds of the base for one token of a batch, without gradients."""
    rows = contest.task.splits.train[:ROWS]
    found = [answer(contest.base, Ready(), rows, contest.labels, contest.max_length) for _ in range(2)]
    return found[1].seconds / found[1].tokens
