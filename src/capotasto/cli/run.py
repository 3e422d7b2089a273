"""`capo run`: the jobs of a recipe over one base."""

from pathlib import Path
from typing import Annotated, Any

import typer

from capotasto.cli.base import BaseSettings, load
from capotasto.cli.faults import interruptible
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.progress import Progress
from capotasto.cli.terminal import out, print_json, table
from capotasto.evaluate.metrics import decisive
from capotasto.report import format

EXAMPLES = ("capo run recipe.yaml", "capo run recipe.yaml --base bloomz-560m --json")


@settings_options(BaseSettings)
def command(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="a YAML file: base, out, defaults and jobs")],
    json: Json = False,
    **given: Any,
) -> None:
    """Jobs learn in mixed batches where their methods allow it; what is finished is kept, what was stopped goes on."""
    from capotasto.experiment.recipe import Recipe, run_recipe

    read = Recipe.read(recipe)
    where = build(BaseSettings, given)
    base = load(where if where.base else where.model_copy(update={"base": read.base}))
    with interruptible("the same command goes on from the last checkpoints"), Progress() as progress:
        runs = run_recipe(base, read, recipe, progress.see)
    records = [run.record for run in runs]
    if json:
        print_json({"runs": records})
    else:
        _show(records)


def _show(records: list[dict[str, Any]]) -> None:
    made = table(
        "Job", "Method", "Numbers", "Seconds", "Metric", "Base", "Tuned", title="\nOn untouched rows", numbers=True
    )
    for record in records:
        metric = decisive(record["scores"]["tuned"])
        before, after = (record["scores"][who][metric]["value"] for who in ("base", "tuned"))
        cost = f"{record['train_seconds']:.0f}"
        numbers = format.count(record["trainable_parameters"])
        made.add_row(record["name"], record["method"], numbers, cost, metric, f"{before:.3f}", f"{after:.3f}")
    out.print(made)
    for record in records:
        out.print(f"{record['name']}: {record['verdict']}")
