"""One contender carried out: made ready, asked the test rows, its costs taken; what came of it, as a record."""

import shutil
import time
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np

from capotasto.base.reason import reason
from capotasto.comparing.answering import ROUGE, Answered
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contenders import CONTENDERS
from capotasto.comparing.contest import Contest
from capotasto.comparing.memory import forget_peak
from capotasto.comparing.timetable import REQUESTS
from capotasto.evaluate.judge import judge
from capotasto.experiment.outcome import peak_memory_mb
from capotasto.records import write_json

ANSWERS = "answers.json"
OF_LABELS = ["calibration_error", "brier_score"]  # metrics of the chances, beside the usual ones
DIGITS = 6  # of numbers in it, behind the point


def contender(name: str) -> Contender:
    """The contender of this name. Errors: there is none."""
    return cast(Contender, CONTENDERS[name])


def carry_out(contest: Contest, name: str) -> dict[str, Any]:
    """The contender's record for `compare.json`; its answers are on the disk then. It never raises but for Ctrl-C."""
    own = contender(name)
    record = {"name": name, "kind": own.kind, "method": own.method, "how": own.how, "reason": None}
    nothing: dict[str, Any] = {"settings": {}, "scores": {}, "costs": {}, "answers": None}
    if why := own.unfit(contest):
        return {**record, "status": "skipped", "reason": why, **nothing}
    folder = contest.place(name)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        return {**record, "status": "done", **_done(contest, own, folder)}
    except Exception as error:
        return {**record, "status": "failed", "reason": reason(error), **nothing}


def _done(contest: Contest, own: Contender, folder: Path) -> dict[str, Any]:
    times, rows = contest.timetable, contest.task.splits.test
    forget_peak()
    start = time.monotonic()
    ready = own.make(contest, folder, times.training if own.learns else times.choosing)
    made = time.monotonic() - start
    found = contest.judged(ready, rows)
    memory = peak_memory_mb()
    requests = [contest.judged(ready, [row]).seconds for row in rows[:REQUESTS]]
    write_json(folder / ANSWERS, sheet(found))
    return {
        "settings": ready.settings,
        "scores": scores(found),
        "costs": {
            "train_seconds": round(ready.before + ready.training, 2),
            "search_seconds": round(made - ready.training, 2),
            "peak_memory_mb": memory,
            "bytes": ready.bytes,
            "added_tokens": round(found.prompt - contest.judged(Ready(), rows).prompt, 1),
            "latency_ms": round(1000 * median(requests), 1),
            "tokens_per_second": round(found.tokens / found.seconds, 1),
        },
        "answers": str((folder / ANSWERS).relative_to(contest.folder)),
    }


def scores(found: Answered) -> dict[str, dict[str, float]]:
    """Each metric with its interval."""
    further = OF_LABELS if found.answers.chosen is not None else [ROUGE] if found.answers.written is not None else []
    return {name: measure.as_dict() for name, measure in judge(found.answers, further=further).scores.items()}


def sheet(found: Answered) -> dict[str, Any]:
    """`answers.json`: what was answered, row by row."""
    answers = found.answers
    return {
        "nats": _listed(answers.sums),
        "tokens": _listed(answers.counts),
        "chosen": _listed(answers.chosen),
        "truth": _listed(answers.truth),
        "chances": _listed(answers.chances),
        "written": answers.written,
        "quality": _listed(found.quality),
    }


def _listed(numbers: np.ndarray | None) -> list[Any] | None:
    return None if numbers is None else np.round(numbers, DIGITS).tolist()
