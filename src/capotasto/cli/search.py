"""`capo search`: from a data file and a space of settings to the best adapter, judged."""

from pathlib import Path
from typing import Any

from pydantic import Field
from rich.text import Text

from capotasto.cli.base import BaseSettings, load
from capotasto.cli.faults import interruptible
from capotasto.cli.learning import Config, Data, data_and_out
from capotasto.cli.options import Json, present, settings_options, with_file
from capotasto.cli.result import show_scores
from capotasto.cli.search_progress import SearchProgress
from capotasto.cli.terminal import facts, heading, out, print_json, table
from capotasto.experiment.search.settings import SearchSettings
from capotasto.experiment.settings import TuneSettings
from capotasto.report import format

EXAMPLES = (
    "capo search tickets.csv --budget 10m --out runs/search",
    "capo search tickets.csv --method lora --space 'lr=1e-4..1e-2:log,rank=4|8|16' --trials 30 --out runs/lora",
    "capo search tickets.csv --budget 10m --out runs/search --resume",
)
SHOWN = 8  # trials in the table at the end


class SearchOptions(BaseSettings, SearchSettings, TuneSettings):
    """What the command takes, on the command line or in a file."""

    data: str | None = None
    out: Path | None = Field(None, description="the folder for the trials, the best run and the report")


@settings_options(SearchOptions)
def command(
    data: Data = None,
    config: Config = None,
    json: Json = False,
    **given: Any,
) -> None:
    """Trials learn together in mixed batches; ever fewer go on. Ctrl-C loses little: --resume goes on."""
    options = with_file(SearchOptions, config, {"data": data, **given})
    data, folder = data_and_out(options, "search")
    if "method" not in str(options.space or ""):
        options.check_heeded(present(given), "the command line", head=options.base is not None)
    record = _search(options, data, folder)
    if json:
        print_json(record)
    else:
        show(folder, record)


def _search(options: SearchOptions, data: str, folder: Path) -> dict[str, Any]:
    from capotasto.experiment.search.ask import check_installed
    from capotasto.experiment.search.run import search

    check_installed()
    elsewhere = {"data", "out", *BaseSettings.model_fields}
    given = options.model_dump(exclude_unset=True, exclude=elsewhere)
    with interruptible(f"the same command with --resume goes on with the trials in {folder}"):
        base = load(options)
        with SearchProgress() as progress:
            return search(base, data, out=folder, watch=progress.see, **given).record


def show(folder: Path, record: dict[str, Any]) -> None:
    """The best trials, the winner's scores on untouched rows, and where everything lies."""
    heading(f"The best of {len(record['trials'])} trials, by their loss on the validation rows")
    out.print(_trials(record))
    out.print(Text(record["held_out"]["optimism"], "dim"))
    show_scores(folder / record["winner"]["folder"])
    out.print()
    settings = ", ".join(f"{name} {format.short(value)}" for name, value in record["winner"]["settings"].items())
    out.print(
        facts(
            [
                ("Winner", f"{record['winner']['trial']}: {settings}"),
                ("Search", f"{format.seconds(record['seconds'])}, {record['stopped']}"),
                ("Adapter", str(folder / record["winner"]["folder"])),
                ("Report", str(folder / "report.html")),
            ]
        )
    )


def _trials(record: dict[str, Any]) -> Any:
    made = table("Trial", *record["space"], "Loss", "Learned", "End", numbers=True)
    known = [trial for trial in record["trials"] if trial["loss"] is not None and trial["state"] != "failed"]
    for trial in sorted(known, key=lambda trial: trial["loss"])[:SHOWN]:
        settings = [format.short(trial["settings"][name]) for name in record["space"]]
        learned = f"{100 * trial['step'] / trial['steps']:.0f} %"
        made.add_row(trial["name"], *settings, f"{trial['loss']:.3f}", learned, trial["state"])
    failed = [trial for trial in record["trials"] if trial["state"] == "failed"]
    if failed:
        first = failed[0]
        made.caption = f"{len(failed)} failed; {first['name']}: {first['ended']}"
        made.caption_justify = "left"
    return made
