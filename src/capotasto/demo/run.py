"""The demonstration from end to end."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto import report
from capotasto.demo.sources import write_data
from capotasto.errors import UserError
from capotasto.experiment.outcome import Run
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tune import tune_many
from capotasto.records import write_json
from capotasto.session import DEFAULT_BASE, load_base
from capotasto.types import StepRecord

SETTINGS: dict[str, dict[str, Any]] = {
    "support": {"epochs": 2},
    "topics": {"epochs": 2},
    "quotes": {"epochs": 1},
}
QUESTIONS = {
    "support": "My keyboard types the wrong letters.",
    "topics": "Who directed the first film about the shark?",
    "quotes": "Give me an inspirational quote by Marie Curie.",
}


@dataclass(frozen=True)
class Demonstration:
    """What came of it.

    mixed: rows {"prompt", "adapter", "answer"} of the batch that a fresh process answered
    """

    base: str
    runs: list[Run]
    mixed: list[dict[str, Any]]
    report: Path


def run(out: Path, tell: Callable[[str], None], watch: Callable[[StepRecord], None] | None = None) -> Demonstration:
    """Train three soft prompts over one base together, judge them, and use them from a fresh process.

    tell: is given a line before each part
    """
    tell("Loading the base")
    base = load_base(DEFAULT_BASE)
    tell(f"Base {base.name} from {base.source}")
    files = write_data(out / "data")
    work = {
        out / name: (str(files[name]), TuneSettings.build({"force": True, **SETTINGS[name]}, "the demo"))
        for name in SETTINGS
    }
    tell("Training three soft prompts together over one base in memory")
    runs = tune_many(base, work, watch)
    tell("Loading the three again in a fresh process, for one mixed batch with the bare base")
    mixed = _in_fresh_process([run.folder for run in runs])
    write_json(out / "mixed.json", mixed)
    page = report.write_many([run.folder for run in runs], out / "report.html", "Three specialists, one base", mixed)
    return Demonstration(f"{base.name}, {base.source}", runs, mixed, page)


def _in_fresh_process(folders: list[Path]) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "capotasto.demo.answer", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"the fresh process failed: {done.stderr.strip().splitlines()[-1:]}; run `capo doctor`")
    return json.loads(done.stdout)
