"""`capo tune`: from a data file to a judged adapter."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import Field

from capotasto.cli import dry_run
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.faults import interruptible
from capotasto.cli.learning import Config, Data, data_and_out
from capotasto.cli.options import Json, build, present, settings_options, with_file
from capotasto.cli.progress import Progress
from capotasto.cli.result import show
from capotasto.cli.terminal import print_json
from capotasto.experiment.settings import TuneSettings

EXAMPLES = (
    "capo tune tickets.csv --out runs/tickets",
    "capo tune faq.csv --map prompt=question,completion=reply --out runs/faq --dry-run",
    "capo tune --config faq.yaml --epochs 10",
)


class TuneOptions(BaseSettings, TuneSettings):
    """What the command takes, on the command line or in a file."""

    data: str | None = None
    out: Path | None = Field(None, description="the folder for the adapter, its log and its report")


@settings_options(TuneOptions)
def command(
    data: Data = None,
    config: Config = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="do everything but train, and write nothing")
    ] = False,
    json: Json = False,
    **given: Any,
) -> None:
    """Rows are divided and columns understood without being told. Ctrl-C loses little: --resume goes on."""
    options = with_file(TuneOptions, config, {"data": data, **given})
    settings = build(TuneSettings, options.model_dump())
    settings.check_heeded(present(given), "the command line", head=options.base is not None)
    data, out = data_and_out(options, "tune")
    if dry_run:
        _dry_run(load(options), data, out, settings, json)
    else:
        _tune(options, data, out, settings, json)


def _tune(options: TuneOptions, data: str, out: Path, settings: TuneSettings, json: bool) -> None:
    from capotasto.experiment.tune import tune

    with interruptible(f"the same command with --resume goes on from the last checkpoint in {out}"):
        base = load(options)
        with Progress() as progress:
            run = tune(base, data, out=out, watch=progress.see, **settings.model_dump())
    if json:
        print_json(run.record)
    else:
        show(run.folder)


def _dry_run(base: Any, data: str, out: Path, settings: TuneSettings, json: bool) -> None:
    found = dry_run.look(base, data, out, settings)
    if json:
        print_json(found)
    else:
        dry_run.show(found)
