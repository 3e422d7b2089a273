"""What both sides of an lm-eval comparison run: tasks over local files, so many rows of each."""

import json
import os
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT, arguments, data_file, peaks, report

# Task → rows: a few minutes of each side on two cores.
TASKS = {
    "local_lambada": 60,
    "local_arc_easy": 60,
    "local_piqa": 60,
    "local_hellaswag": 40,
    "local_truthfulqa_mc1": 30,
    "local_wikitext2": 2,
    "local_gsm8k": 8,
}
LENGTH = 1024  # tokens of a row at most
_FILES = (
    "eval_gauntlet/piqa.jsonl",
    "hellaswag_val_1000/hellaswag.jsonl",
    "truthfulqa/mc_task.json",
    "wikitext2/test.txt",
    "gsm8k/test.jsonl",
)


def flags(description: str | None) -> ArgumentParser:
    """The flags of both sides."""
    parser = arguments(description)
    parser.add_argument("--tasks", default=",".join(TASKS), help="comma-separated")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows of each task")
    parser.add_argument("--answers", type=Path, help="JSON file for every answer")
    found = [data_file(name) for name in _FILES]  # absent: nothing is measured
    os.environ["CAPO_DATA"] = str(found[0].parents[1])  # where the tasks look
    return parser


def measure(model: Any, options: Namespace) -> None:
    """Evaluate one task after another and report seconds and scores of each."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=str(ROOT / "examples" / "lm_eval"), include_defaults=False)
    measured: dict[str, float] = {}
    answers = {}
    for task in options.tasks.split(","):
        clock = Stopwatch(model)
        rows = max(1, round(TASKS[task] * options.share))
        found = lm_eval.simple_evaluate(
            model=model, tasks=[task], task_manager=manager, limit=rows, bootstrap_iters=0, log_samples=True
        )
        name = task.removeprefix("local_")
        measured[f"{name}_seconds"] = clock.seconds
        measured |= {
            f"{name}_{metric.split(',')[0]}": value
            for metric, value in found["results"][task].items()
            if isinstance(value, float) and "stderr" not in metric
        }
        answers[task] = [sample["resps"] for sample in found["samples"][task]]
    if options.answers:
        options.answers.write_text(json.dumps(answers), encoding="utf-8")
    seconds = sum(value for name, value in measured.items() if name.endswith("_seconds"))
    report(model.device, model_dtype(model), seconds=seconds, **measured, **peaks(model.device))


class Stopwatch:
    """Seconds inside the model's three kinds of requests: building them and counting points is the same on both
    sides."""

    def __init__(self, model: Any):
        self.seconds = 0.0
        for name in ("loglikelihood", "loglikelihood_rolling", "generate_until"):
            vars(model).pop(name, None)  # of the task before
            setattr(model, name, self._timed(getattr(model, name)))

    def _timed(self, work: Any) -> Any:
        def timed(*given: Any, **more: Any) -> Any:
            start = time.perf_counter()
            done = work(*given, **more)
            self.seconds += time.perf_counter() - start
            return done

        return timed


def model_dtype(model: Any) -> Any:
    """The number format that its weights have."""
    return (model.base.model if hasattr(model, "base") else model.model).dtype
