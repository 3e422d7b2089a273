"""`capo eval`: the base and adapters on the rows of a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capotasto import records
from capotasto.cli import adapters as named
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.scores import interval, scores_table
from capotasto.cli.terminal import err, heading, out, print_json
from capotasto.errors import AdapterError
from capotasto.evaluate.settings import MetricSettings
from capotasto.experiment.settings import DataSettings
from capotasto.report.metrics import metric
from capotasto.report.view import Score

if TYPE_CHECKING:
    from capotasto.data import Dataset
    from capotasto.evaluate.judge import Judgement
    from capotasto.evaluate.wishes import Wishes
    from capotasto.methods.adapter import Adapter
    from capotasto.session import Base

EXAMPLES = (
    "capo eval new-tickets.csv --adapter runs/tickets",
    "capo eval test.csv --adapter a=runs/a --adapter b=runs/b --json",
    "capo eval questions.jsonl --adapter runs/answers --metrics rouge_l,token_f1,length_ratio",
)
DATA = ("map", "max_rows", "on_bad_row", "max_length")


class EvalOptions(BaseSettings, DataSettings, MetricSettings):
    """What the command takes."""


@settings_options(EvalOptions, only=(*BaseSettings.model_fields, *DATA, *MetricSettings.model_fields))
def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="a data file, or hub:OWNER/NAME")],
    adapter: named.Adapters = None,
    json: Json = False,
    **given: Any,
) -> None:
    """Every row of the file is scored. Rows that an adapter has learnt from flatter it: use rows it has not seen."""
    from capotasto import data as files
    from capotasto.evaluate.wishes import wishes

    settings = build(DataSettings, given)
    folders = named.folders(adapter or [])
    objective = _objective(folders)
    dataset = files.load(data, settings.map, settings.on_bad_row, settings.max_rows, 1, objective)
    labels = _labels(dataset, folders, objective)
    wished = wishes(build(MetricSettings, given), dataset.examples, labels, objective)
    seen = [name for name, folder in folders.items() if dataset.hash in _trained_on(folder)]
    base = load(build(BaseSettings, given))
    judged = _judge(base, dataset, labels, named.load(folders, base), settings.max_length, objective, wished)
    _warn([*wished.notes, *(_flattered(name, data) for name in seen)])
    found = _record(dataset, judged, seen)
    if json:
        print_json(found)
    else:
        _show(found)


def _objective(folders: dict[str, Path]) -> str:
    """What the adapters were trained for. Errors: heads that answer in different ways."""
    found = {name: _kept(folder / "run.json").get("objective", "lm") for name, folder in folders.items()}
    kinds = set(found.values())
    if kinds == {"lm", "classify"}:  # writing a label and choosing one compare
        return "classify"
    if len(kinds) > 1:
        what = ", ".join(f"{name}: {kind}" for name, kind in found.items())
        raise AdapterError(f"the adapters have different objectives ({what}); evaluate them one at a time")
    return next(iter(kinds), "lm")


def _labels(dataset: "Dataset", folders: dict[str, Path], objective: str) -> list[str]:
    """What to answer in: the labels the adapters were trained with, else those of the file.

    Errors: adapters with different labels, a row with a label that they never saw.
    """
    from capotasto.objectives.heads import check_labels

    names = dataset.names if objective == "multilabel" else dataset.labels
    known = {name: labels for name, folder in folders.items() if (labels := _kept(folder / "run.json").get("labels"))}
    if len({tuple(labels) for labels in known.values()}) > 1:
        raise AdapterError(f"{' and '.join(known)} choose among different labels; evaluate them one at a time")
    if not names or not known:
        return names
    check_labels(dataset.examples, next(iter(known.values())), " and ".join(known))
    return next(iter(known.values()))


def _trained_on(folder: Path) -> set[str]:
    """Hashes of the data sets that an adapter has learnt from: its own, and those of a mixture."""
    tasks = _kept(folder / "run.json").get("tasks") or {}
    data = [_kept(folder / "manifest.json").get("data", {}), *(task.get("data", {}) for task in tasks.values())]
    return {one["hash"] for one in data if "hash" in one}


def _kept(path: Path) -> dict[str, Any]:
    return records.read_json(path) if path.exists() else {}


def _judge(
    base: "Base",
    dataset: "Dataset",
    labels: list[str],
    adapters: "dict[str, Adapter]",
    max_length: int,
    objective: str,
    wished: "Wishes",
) -> "dict[str, Judgement]":
    """Everyone answers the same rows, cut to the length that leaves room for the longest prompt."""
    from capotasto.evaluate.bare import ask_beside_bare
    from capotasto.evaluate.judge import judge_all

    virtual = max((one.tokens for one in adapters.values()), default=0)
    room = max_length if base.context is None else min(max_length, base.context - virtual)
    rows, contenders = dataset.examples, list(adapters.values())
    with err.status("scoring"):
        renderer = base.renderer(None, room)
        answers = ask_beside_bare(base, renderer, rows, labels, rows, contenders, objective, wished)
        return dict(zip(("base", *adapters), judge_all(answers, wished.metrics), strict=True))


def _flattered(name: str, data: str) -> str:
    return f"{name} was trained on rows of {data}, which flatters it; take rows it has not seen"


def _warn(lines: list[str]) -> None:
    for line in lines:
        err.print(f"capo: warning: {line}", soft_wrap=True, style="yellow")


def _record(dataset: "Dataset", judged: "dict[str, Judgement]", seen: list[str]) -> dict[str, Any]:
    bare, *others = judged
    return {
        "data": {
            "path": dataset.path,
            "hash": dataset.hash,
            "rows": len(dataset.examples),
            "bad_rows": len(dataset.bad),
        },
        "base": {name: one.as_dict() for name, one in judged[bare].scores.items()},
        "adapters": {
            name: {
                "scores": {key: one.as_dict() for key, one in judged[name].scores.items()},
                "difference": {key: one.as_dict() for key, one in (judged[name].difference or {}).items()},
                "trained_on_these_rows": name in seen,
            }
            for name in others
        },
    }


def _show(found: dict[str, Any]) -> None:
    data, base = found["data"], found["base"]
    heading(f"All {data['rows']} rows of {data['path']}, with 95 % intervals")
    contenders: dict[str, dict[str, Any]] = found["adapters"] or {"base": {"scores": {}, "difference": {}}}
    out.print(scores_table({name: _scores(base, one) for name, one in contenders.items()}))


def _scores(base: dict[str, Any], one: dict[str, Any]) -> list[Score]:
    numbers = {name: (base[name], one["scores"].get(name), one["difference"].get(name)) for name in base}
    return [Score(metric(name), *map(interval, three)) for name, three in numbers.items()]
