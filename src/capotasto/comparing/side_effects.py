"""What the best trained adapter breaks: a short audit within the budget of a comparison."""

import warnings
from typing import Any

from capotasto.artifact import load_adapter
from capotasto.auditing.run import audit
from capotasto.auditing.settings import AuditSettings
from capotasto.comparing.contest import Contest
from capotasto.comparing.training import ADAPTER
from capotasto.errors import UserError

SHARE = 0.1  # of the budget, at most
TOKENS = 3000  # that base and adapter read and write together for one row of every probe
FEWEST = 10  # rows of a probe; on fewer, no interval is worth its name


def side_effects(contest: Contest, known: dict[str, Any] | None, left: float) -> dict[str, Any] | None:
    """The record of an audit of the best trained adapter that writes; None where there is none, where nobody named
    files of probes, or without time for ten rows of each.

    known: an audit of an earlier call, which stays where it was of the same adapter
    left:  seconds of the budget that are left
    """
    best, files = _best(contest), AuditSettings(probes_dir=contest.settings.probes_dir).folder
    if best is None or files is None or (known and best in known["adapters"]):
        return known if best is not None else None
    seconds = min(left, SHARE * contest.settings.seconds)
    rows = min(AuditSettings().rows, int(seconds / (TOKENS * contest.timetable.pace)))
    if rows < FEWEST:
        return None
    try:
        adapter = load_adapter(contest.place(best) / ADAPTER, contest.base, best)
        return audit(contest.base, {best: adapter}, AuditSettings(rows=rows, probes_dir=files))
    except UserError as error:
        warnings.warn(f"{best} was not audited: {error}", stacklevel=2)
        return None


def _best(contest: Contest) -> str | None:
    """The trained contender with the best score that has one adapter, and no head."""
    names = (record["name"] for record in contest.trained if record["method"] != "head")
    return next((name for name in names if (contest.place(name) / ADAPTER).exists()), None)
