"""`capo tune --dry-run`: everything that is done before the first step, and what it says."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capotasto.cli.terminal import facts, heading, out
from capotasto.experiment.settings import TuneSettings
from capotasto.report import format

if TYPE_CHECKING:
    from capotasto.session import Base
    from capotasto.types import Encoded


def look(base: "Base", data: str, folder: Path, settings: TuneSettings) -> dict[str, Any]:
    """The plan of a training in plain JSON values; nothing is written into `folder`."""
    from capotasto.data.split import distinct
    from capotasto.experiment.plan import plan
    from capotasto.experiment.start import check_method
    from capotasto.experiment.suited import suited
    from capotasto.objectives import encode

    check_method(settings.method)
    settings = suited(base, settings)
    name = settings.name or folder.resolve().name
    with tempfile.TemporaryDirectory() as scratch:
        fresh = settings.model_copy(update={"name": name, "resume": False, "force": False})
        planned = plan(base, data, Path(scratch), fresh)
    renderer, adapter = planned.renderer, planned.job.adapter
    test = [row for example in planned.splits.test for row in encode(renderer, example, adapter)]
    sides = {"train": planned.rows, "val": planned.job.held_out, "test": test}
    rows = {side: len(getattr(planned.splits, side)) for side in sides}
    if planned.general:
        sides["replay"] = planned.general.train
        rows["replay"] = len(planned.general.train)
    return {
        "dry_run": True,
        "name": name,
        "method": settings.method,
        "base": {"name": base.name, "source": base.source, "fingerprint": base.fingerprint},
        "shape": planned.dataset.shape,
        "mapping": planned.dataset.mapping,
        "objective": planned.objective,
        "objective_reason": planned.reason,
        "labels": planned.dataset.labels,
        "tasks": {
            task.name: {"path": task.dataset.path, "rows": len(task.splits.train), "rate": planned.rates[task.name]}
            for task in planned.tasks
        },
        "sides": {side: {"rows": rows[side], **_counts(encoded)} for side, encoded in sides.items()},
        "bad_rows": len(planned.dataset.bad),
        "duplicates": len(planned.dataset.examples) - len(distinct(planned.dataset.examples)),
        "steps": planned.job.steps,
        "learning_rate": planned.job.lr,
        "learning_rate_rule": planned.rule,
        "init": planned.job.adapter.start,
        "trainable_parameters": planned.job.adapter.size(),
        "settings": settings.model_dump(),
    }


def _counts(rows: "list[Encoded]") -> dict[str, int]:
    return {
        "windows": len(rows),
        "tokens": sum(len(row.ids) for row in rows),
        "learnt": sum(row.learnt for row in rows),
        "truncated": sum(row.cut > 0 for row in rows),
    }


def show(plan: dict[str, Any]) -> None:
    """Print a plan."""
    heading(f"{plan['name']}: what would be done on {plan['base']['name']}")
    read = ", ".join(f"{key} from {column!r}" for key, column in plan["mapping"].items())
    rate = f"{plan['learning_rate']:.3g}, {plan['learning_rate_rule']}"
    out.print(
        facts(
            [
                ("Base", plan["base"]["source"]),
                ("Method", plan["method"]),
                ("Rows read as", f"{plan['shape']}: {read}"),
                ("Objective", f"{plan['objective']}: {plan['objective_reason']}"),
                ("Labels", ", ".join(plan["labels"])),
                *(_tasks(plan["tasks"]) if len(plan["tasks"]) > 1 else ()),
                *((side.capitalize(), _side(counts)) for side, counts in plan["sides"].items()),
                ("Bad rows", f"{plan['bad_rows']} left out" if plan["bad_rows"] else ""),
                ("Duplicates", _duplicates(plan)),
                ("Steps", f"{format.count(plan['steps'])} at most, in {plan['settings']['epochs']} epochs"),
                ("Learning rate", rate),
                ("Start", start(plan["init"])),
                ("Learned numbers", format.count(plan["trainable_parameters"])),
            ]
        )
    )
    out.print("\nNothing was trained and nothing written.")


def _tasks(tasks: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (f"Task {name}", f"{task['path']}, {format.count(task['rows'])} rows, {task['rate']:.1%} of an epoch")
        for name, task in tasks.items()
    ]


def _duplicates(plan: dict[str, Any]) -> str:
    what = {"drop": "left out", "keep": "kept"}[plan["settings"]["duplicates"]]
    return f"{plan['duplicates']} {what}" if plan["duplicates"] else ""


def _side(counts: dict[str, int]) -> str:
    cut = f", {counts['truncated']} rows shortened" if counts["truncated"] else ""
    rows, tokens, learnt = (format.count(counts[key]) for key in ("rows", "tokens", "learnt"))
    windows = f" in {format.count(counts['windows'])} windows" if counts["windows"] > counts["rows"] else ""
    return f"{rows} rows{windows}, {tokens} tokens, {learnt} of them learnt{cut}"


def start(init: dict[str, Any]) -> str:
    """What an adapter starts from, in one line: `text: Choose the topic … (by trial)`."""
    if "kind" not in init:
        return ""
    detail = " ".join(str(init.get("detail") or "").split())
    detail = f"{detail[:60]}…" if len(detail) > 60 else detail
    chosen = f" ({init['chosen']})" if init.get("chosen") else ""
    return f"{init['kind']}{': ' if detail else ''}{detail}{chosen}"
