"""What the best trained adapter breaks and gives away: a short audit within the budget of a comparison."""

import warnings
from typing import Any

from capotasto.artifact import load_adapter
from capotasto.auditing.run import audit
from capotasto.auditing.run_rows import RunRow, RunRows
from capotasto.auditing.settings import AuditSettings
from capotasto.comparing.contest import Contest
from capotasto.comparing.training import ADAPTER
from capotasto.errors import UserError

SHARE = 0.1  # of the budget, at most
FEWEST = 10  # rows of a probe; on fewer, no interval is worth its name
LEAKS = ("membership", "extraction", "outputs")  # canaries take a minute each: `capo audit`
FILES = ("forgetting", "bias", "truthfulness")  # what is asked from files of probes
# Tokens that base and adapter read and write together for one row of every probe; of LEAKS, beside ten questions.
LEAK_TOKENS, FILE_TOKENS = 1800, 3000


def side_effects(contest: Contest, known: dict[str, Any] | None, left: float) -> dict[str, Any] | None:
    """The record of an audit of the best trained adapter that writes; None where there is none, or without time for
    ten rows of each probe.

    known: an audit of an earlier call, which stays where it was of the same adapter
    left:  seconds of the budget that are left
    """
    best = _best(contest)
    if best is None or (known and best in known["adapters"]):
        return known if best is not None else None
    settings = _settings(contest, min(left, SHARE * contest.settings.seconds))
    if settings is None:
        return None
    try:
        adapter = load_adapter(contest.place(best) / ADAPTER, contest.base, best)
        return audit(contest.base, {best: adapter}, settings, {best: _rows(contest, settings.rows)})
    except UserError as error:
        warnings.warn(f"{best} was not audited: {error}", stacklevel=2)
        return None


def _settings(contest: Contest, seconds: float) -> AuditSettings | None:
    """All probes where files for them are named, and as many rows as the time allows; those that need no files where
    there is no time for all; None where there is none for these either."""
    leaks = LEAK_TOKENS + 10 * contest.question
    usual = AuditSettings(probes_dir=contest.settings.probes_dir)
    ways = [(leaks + FILE_TOKENS, [*FILES, *LEAKS])] if usual.folder is not None else []
    for tokens, probes in [*ways, (leaks, [*LEAKS])]:
        rows = min(usual.rows, int(seconds / (tokens * contest.timetable.pace)))
        if rows >= FEWEST:
            return usual.model_copy(update={"rows": rows, "probes": probes})
    return None


def _rows(contest: Contest, most: int) -> RunRows:
    """What the contenders have learnt, and what was kept apart."""
    splits = contest.task.splits
    train, test = ([RunRow(example) for example in side] for side in (splits.train, splits.test))
    return RunRows(contest.source, train, test, contest.max_length, most)


def _best(contest: Contest) -> str | None:
    """The trained contender with the best score that has one adapter, and no head."""
    names = (record["name"] for record in contest.trained if record["method"] != "head")
    return next((name for name in names if (contest.place(name) / ADAPTER).exists()), None)
