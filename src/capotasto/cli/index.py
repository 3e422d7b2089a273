"""`capo index`: documents made searchable."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from capotasto.cli.bar import WIDTH
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.terminal import err, facts, out, print_json
from capotasto.retrieve.settings import IndexSettings

if TYPE_CHECKING:
    from capotasto.retrieve.writer import Built

EXAMPLES = (
    "capo index handbook --out indices/handbook",
    "capo index faq.jsonl --text-column answer --out s3://bucket/faq",
)
_SHOWN = 10  # faults told one by one


@settings_options(IndexSettings)
def command(
    docs: Annotated[Path, typer.Argument(metavar="DOCS", help="a folder of documents, or one file")],
    to: Annotated[str, typer.Option("--out", metavar="DIR", help="the index: a folder, or an object store's URL")],
    json: Json = False,
    **given: Any,
) -> None:
    """Run again it embeds only what is new or has changed, and goes on where it was killed. What cannot be read is left
    out and named."""
    settings = build(IndexSettings, given)
    from capotasto.retrieve.build import build_index

    with _bar() as bar:
        task = bar.add_task("indexing", total=None, text="")

        def watch(built: "Built") -> None:
            text = f"{built.documents} documents, {built.passages} passages"
            bar.update(task, completed=built.files, total=built.of_files, text=text)

        built = build_index(docs, to, watch, **settings.model_dump())
    if json:
        print_json({"index": to, **asdict(built)})
    else:
        _tell(to, built)


def _bar() -> Progress:
    """Of files; nothing where stderr is no terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(WIDTH))
    more = (TextColumn("{task.fields[text]}", markup=False), TimeElapsedColumn())
    return Progress(*columns, *more, console=err, disable=not err.is_terminal)


def _tell(to: str, built: "Built") -> None:
    for fault in built.faults[:_SHOWN]:
        err.print(f"left out: {fault.reason}", style="yellow", soft_wrap=True)
    if (more := len(built.faults) - _SHOWN) > 0:
        err.print(f"left out: {more} more; --json names all", style="yellow", soft_wrap=True)
    others = ", ".join(f"{count} × {ending}" for ending, count in sorted(built.others.items()))
    told = f"{built.changed} indexed, {built.unchanged} unchanged, {built.removed} removed"
    out.print(
        facts(
            [
                ("documents", f"{told}, {len(built.faults)} left out"),
                ("passages", f"{built.passages} embedded in {built.seconds:.1f} s" if built.passages else ""),
                ("other files", others),
                ("ask it", f'capo ask "…" --index {to}'),
            ]
        )
    )
