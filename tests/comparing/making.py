"""A contest over a small data file, without anyone having competed yet, and such a file."""

import json
from pathlib import Path
from typing import Any

from capotasto.comparing.contest import Contest
from capotasto.comparing.drawing import drawn
from capotasto.comparing.settings import AllSettings
from capotasto.comparing.timetable import Timetable
from capotasto.experiment.reading import read_tasks
from capotasto.session import Base
from tests.making import WORDS

TIMES = Timetable(pace=1e-5, test=100, val=100, choosing=1.0, training=2.0)
SIDES = {"val": 0.2, "test": 0.2}


def make_contest(base: Base, data: Path, folder: Path, times: Timetable = TIMES, **settings: Any) -> Contest:
    chosen = AllSettings.build({**SIDES, **settings}, "a test")
    task = read_tasks(str(data), chosen.training())[0]
    contest = Contest(base, str(data), chosen, task, folder)
    contest.timetable = times
    contest.task = drawn(task, times, chosen.seed)
    return contest


def write_answers(path: Path, times: int) -> Path:
    """So many questions about each word, with written answers."""
    pairs = [{"prompt": f"why {word} {i}?", "completion": f"because of {word}"} for i in range(times) for word in WORDS]
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path
