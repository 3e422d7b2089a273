"""`capo compare`: every way to do the task of a data file, on the same untouched rows and in one budget."""

from pathlib import Path
from typing import Any

from pydantic import Field
from rich.text import Text

from capotasto.cli.base import BaseSettings, load
from capotasto.cli.compare_progress import CompareProgress
from capotasto.cli.faults import interruptible
from capotasto.cli.learning import Config, Data, data_and_out
from capotasto.cli.options import Json, settings_options, with_file
from capotasto.cli.terminal import facts, heading, out, print_json, table
from capotasto.cli.wizard import ask
from capotasto.comparing.settings import AllSettings
from capotasto.report import format
from capotasto.report.metrics import metric
from capotasto.report.run import Interval

EXAMPLES = (
    "capo compare tickets.csv --out runs/compare",
    "capo compare faq.csv --docs handbook --methods zero-shot,few-shot,retrieval,lora --budget 10m --out runs/faq",
    "capo compare tickets.csv --methods head --out runs/compare --resume",
)


class CompareOptions(BaseSettings, AllSettings):
    """What the command takes, on the command line or in a file."""

    data: str | None = None
    out: Path | None = Field(None, description="the folder for the contenders, their answers and the report")


@settings_options(CompareOptions)
def command(
    data: Data = None,
    config: Config = None,
    json: Json = False,
    **given: Any,
) -> None:
    """The budget covers everything. Ctrl-C loses the contender at work: --resume goes on, also with further ones."""
    options = with_file(CompareOptions, config, {"data": data, **given})
    data, folder = data_and_out(options, "compare")
    record = _compare(options, data, folder)
    if json:
        print_json(record)
    else:
        show(folder, record)


def _compare(options: CompareOptions, data: str, folder: Path) -> dict[str, Any]:
    from capotasto.comparing.run import compare

    elsewhere = {"data", "out", *BaseSettings.model_fields}
    given = ask(options).model_dump(exclude_unset=True, exclude=elsewhere)
    with interruptible(f"the same command with --resume goes on with the contenders in {folder}"):
        base = load(options)
        with CompareProgress() as progress:
            return compare(base, data, out=folder, watch=progress.see, **given).record


def show(folder: Path, record: dict[str, Any]) -> None:
    """The contenders, best first, what was left out and why, and where everything lies."""
    heading(f"{len(record['rows'])} untouched rows, by {metric(record['metric']).title.lower()} with 95 % intervals")
    out.print(_contenders(record))
    for one in record["contenders"]:
        if one["status"] != "done":
            out.print(Text.assemble(("- ", "yellow"), f"{one['name']} {one['status']}: {one['reason']}"))
    for note in record["notes"]:
        out.print(Text.assemble(("- ", "yellow"), note))
    out.print()
    spent = f"{format.seconds(record['seconds'])} of {format.seconds(record['budget_seconds'])}"
    recommended = record["recommendation"]["text"]
    where = [("Folder", str(folder)), ("Files", "report.html, compare.json")]
    out.print(facts([("Recommendation", recommended), ("Spent", spent), *where]))


def _contenders(record: dict[str, Any]) -> Any:
    name = record["metric"]
    shown = metric(name)
    made = table("Contender", shown.title, "Training", "On disk", "Added tokens", numbers=True)
    made.columns[0].no_wrap = True
    known = {one["name"]: one for one in record["contenders"]}
    for one in (known[ranked] for ranked in record["ranking"]):
        score, costs = Interval(**one["scores"][name]), one["costs"]
        value = Text.assemble(shown.value(score), (f"\n{shown.interval(score)}", "dim"))
        seconds, tokens = format.seconds(costs["train_seconds"]), f"{costs['added_tokens']:.0f}"
        made.add_row(one["name"], value, seconds, format.size(costs["bytes"]), tokens)
    return made
