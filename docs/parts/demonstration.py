"""The README's before and after, from the numbers of a real demonstration."""

import re
from pathlib import Path
from typing import Any

from capotasto.evaluate.metrics import LOWER_IS_BETTER
from capotasto.records import read_json
from parts.markdown import code, table

PLACE = re.compile(r"(?<=<!-- before-after -->\n).*?(?=<!-- /before-after -->)", re.DOTALL)
ANSWERS = 2  # held-out rows shown for each task
LONGEST = 110  # characters of an answer


def filled(readme: str, source: Path) -> str:
    """The README with its marked place filled from what `capo demo --json` printed; as it is without that file."""
    if not source.exists():
        return readme
    return PLACE.sub(lambda _: part(read_json(source)["runs"]), readme)


def part(runs: list[dict[str, Any]]) -> str:
    """Scores of all tasks, then some answers; a run is the content of a run.json."""
    scores = [row for run in runs for row in _scores(run)]
    answers = [row for run in runs for row in _answers(run)]
    base = runs[0]["base"]
    return (
        f"\nBase: {base['name']}, {base['source']}, {base['dtype']}. Scores with 95 % intervals:\n\n"
        + table(["task", "metric", "base alone", "with its soft prompt", "verdict"], scores)
        + "\n"
        + table(["task", "asked", "base alone", "with its soft prompt"], answers)
        + "\n"
    )


def _scores(run: dict[str, Any]) -> list[list[str]]:
    """One row for each metric; the verdict is on the task."""
    base, tuned = run["scores"]["base"], run["scores"]["tuned"]
    return [
        [code(run["name"]), name, _show(name, base[name]), _show(name, tuned[name]), run["verdict"].split(":")[0]]
        for name in tuned
    ]


def _show(name: str, measure: dict[str, float]) -> str:
    scale, places = (1, 3) if name in LOWER_IS_BETTER else (100, 1)
    value, low, high = (f"{scale * measure[key]:.{places}f}" for key in ("value", "low", "high"))
    return f"{value} ({low}–{high})" if scale == 1 else f"{value} % ({low}–{high})"


def _answers(run: dict[str, Any]) -> list[list[str]]:
    rows = run["samples"][:ANSWERS]
    return [[code(run["name"]), *(_short(row[key]) for key in ("prompt", "base", "tuned"))] for row in rows]


def _short(text: str) -> str:
    text = " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*")
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
