"""How much better the best trained contenders get with more rows: trained again on a tenth and on three tenths."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from capotasto.comparing.carrying import scores
from capotasto.comparing.contest import Contest
from capotasto.comparing.drawing import fewer
from capotasto.comparing.timetable import BACKWARD, LEAST_STEPS
from capotasto.comparing.training import Rate, train
from capotasto.errors import UserError

SHARES = (0.1, 0.3)  # of the training rows; all of them is the contender itself
CONTENDERS = 2  # that are measured, the best ones
FEWEST = 8  # training rows of a point


def curve(contest: Contest, left: Callable[[], float]) -> list[dict[str, Any]]:
    """A line for each contender that there was time for; a point is {"rows", "value", "low", "high"}.

    left: seconds of the budget that are left
    """
    lines: list[dict[str, Any]] = []
    for record in contest.trained[:CONTENDERS]:
        try:
            points = [point for share in SHARES if (point := _point(contest, record, share, left))]
        except UserError:  # too few rows to learn from
            continue
        if points:
            whole = {"rows": len(contest.task.splits.train), **record["scores"][contest.metric]}
            lines.append({"contender": record["name"], "points": [*points, whole]})
    return lines


def _point(contest: Contest, record: dict[str, Any], share: float, left: Callable[[], float]) -> dict[str, Any] | None:
    """The score after training on this share of the rows; None where there is no time, or too few rows."""
    times, rows = contest.timetable, contest.task.splits.test
    count = round(share * len(contest.task.splits.train))
    judging = len(rows) * contest.question * times.pace
    step = contest.settings.training().batch_tokens * BACKWARD * times.pace
    seconds = min(times.training, left() - judging)
    if count < FEWEST or seconds < LEAST_STEPS * step:
        return None
    rate = Rate(record["settings"]["lr"], "that of all rows")
    task = fewer(contest.task, count, contest.settings.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / f"{record['name']} on {count} rows"
        ready = train(contest, record["method"], folder, rate, seconds, task=task)
    return {"rows": count, **scores(contest.judged(ready, rows))[contest.metric]}
