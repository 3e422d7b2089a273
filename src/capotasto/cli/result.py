"""A finished run, as it is shown at the end of a training and by `capo inspect`."""

from pathlib import Path

from rich.text import Text

from capotasto import records
from capotasto.base.catalog import aliases
from capotasto.cli.dry_run import start
from capotasto.cli.scores import scores_table
from capotasto.cli.terminal import facts, heading, out, side_by_side
from capotasto.report import folder as run_folder
from capotasto.report import format
from capotasto.report.view import View

SAMPLES = 3
TONES = {True: "bold green", False: "bold yellow", None: ""}


def show(folder: Path) -> None:
    """Samples, scores, verdict, and where everything lies."""
    show_samples(folder)
    show_scores(folder)
    out.print()
    out.print(facts([*training(folder), *_files(folder)]))


def show_samples(folder: Path, most: int = SAMPLES) -> None:
    """Held-out rows before and after."""
    heading("Before and after, on rows it has not seen")
    for sample in run_folder.read(folder).samples[:most]:
        answers = {"base": sample.base, "tuned": sample.tuned, "wanted": sample.wanted}
        out.print(side_by_side({name: _short(text) for name, text in answers.items()}, title=_short(sample.prompt)))


def show_scores(folder: Path) -> None:
    """Scores, verdict and, where it did not learn, the diagnosis."""
    run = run_folder.read(folder)
    heading("Scores with their 95 % intervals")
    view = View(run, "")
    each = {f"task {name}": list(scores.values()) for name, scores in view.tasks.items()}
    if view.replay:
        each[f"replay {Path(run.replay.path).name}"] = list(view.replay.values())
    out.print(scores_table({run.name: list(view.scores.values()), **each}))
    out.print(Text(run.verdict, TONES[run.helped]))
    for line in run.diagnosis:
        out.print(Text.assemble(("- ", "yellow"), line))


def training(folder: Path) -> list[tuple[str, str]]:
    """How it was made."""
    run = run_folder.read(folder)
    record = records.read_json(folder / "run.json")
    rate, rule = record.get("learning_rate"), record.get("learning_rate_rule")
    return [
        ("Learning rate", f"{rate:.3g}, {rule}" if rate else ""),
        ("Start", start(run.init) if run.init else ""),
        ("Training", f"{run.steps} steps, best at {run.best_step}; {run.stopped}"),
        ("Cost", ", ".join(View(run, "").cost)),
        ("Rows shortened", format.count(run.data.truncated) if run.data.truncated else ""),
        ("Rows left out", format.count(len(run.data.bad_rows)) if run.data.bad_rows else ""),
    ]


def _files(folder: Path) -> list[tuple[str, str]]:
    used = run_folder.read(folder).base.name
    base = "" if used == aliases()[0].name else f" --base {used}"
    adapter = f" --adapter {folder}"
    names = ("adapter_model.safetensors", "report.html", "run.json", "log.jsonl")
    return [
        ("Folder", str(folder)),
        ("Files", ", ".join(name for name in names if (folder / name).exists())),
        (
            "Of its tasks",
            ", ".join(str(path) for name in run_folder.read(folder).tasks if (path := folder / name).is_dir()),
        ),
        ("Try it", f'capo generate{base}{adapter} "…"'),
    ]


def _short(text: str, most: int = 200) -> str:
    flat = " ".join(text.split())
    return f"{flat[:most]}…" if len(flat) > most else flat
