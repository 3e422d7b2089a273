"""`capo demo`: see it work."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from capotasto.cli.options import Json
from capotasto.cli.progress import Progress
from capotasto.cli.result import show_samples, show_scores
from capotasto.cli.terminal import err, facts, heading, out, print_json, table

if TYPE_CHECKING:
    from capotasto.demo.run import Demonstration

EXAMPLES = ("capo demo", "capo demo --out /tmp/demo")


def command(
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="where the adapters and their report go")] = Path(
        "capo-demo"
    ),
    json: Json = False,
) -> None:
    """Three specialists over one base, from real data to one mixed batch; no data file is needed."""
    from capotasto.demo.run import run

    with Progress() as progress:
        found = run(folder, lambda line: err.print(line, style="dim"), progress.see)
    if json:
        runs = [one.record for one in found.runs]
        print_json({"base": found.base, "runs": runs, "mixed": found.mixed, "report": str(found.report)})
    else:
        _show(found)


def _show(found: "Demonstration") -> None:
    for one in found.runs:
        heading(f"{one.adapter.name} ".ljust(out.width, "─"))
        show_samples(one.folder, 1)
        show_scores(one.folder)
    heading("One mixed batch, by a fresh process")
    made = table("Prompt", "Adapter", "Answer")
    for row in found.mixed:
        made.add_row(row["prompt"], Text(row["adapter"] or "base", "bold" if row["adapter"] else "dim"), row["answer"])
    out.print(made)
    out.print(facts([("Report", str(found.report)), *((one.adapter.name, str(one.folder)) for one in found.runs)]))
