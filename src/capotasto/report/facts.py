"""What was run, as labelled facts: only those that the run folder holds."""

from collections.abc import Mapping

from capotasto.report import format
from capotasto.report.run import BaseModelUsed, Run

Facts = list[tuple[str, str]]  # label, text


def facts(run: Run) -> dict[str, Facts]:
    """The facts by heading; headings without facts are left out."""
    groups = {
        "Training": _training(run),
        "Cost": _cost(run),
        "Base model": base_model(run.base),
        "Data": _data(run),
        "Start of the adapter": [(name.capitalize(), format.plain(value)) for name, value in run.init.items()],
        "Settings": [(name, format.plain(value)) for name, value in run.settings.items()],
    }
    return known(groups)


def known(groups: Mapping[str, Facts]) -> dict[str, Facts]:
    """The facts that are there; headings without any are left out."""
    return {heading: found for heading, pairs in groups.items() if (found := [pair for pair in pairs if pair[1]])}


def _training(run: Run) -> Facts:
    return [
        ("Method", run.method),
        ("Steps", "" if run.steps is None else format.count(run.steps)),
        ("Best step", "" if run.best_step is None else format.count(run.best_step)),
        ("Stopped because", run.stopped),
        *((f"Rows, {name}", format.count(rows)) for name, rows in run.rows.items()),
        ("Capotasto", run.capotasto),
    ]


def _cost(run: Run) -> Facts:
    speed, memory = run.tokens_per_second, run.peak_memory_mb
    return [
        ("Training time", "" if run.train_seconds is None else format.seconds(run.train_seconds)),
        ("Speed", "" if speed is None else f"{format.number(speed)}{format.SPACE}tokens/s"),
        ("Peak memory", "" if memory is None else format.size(memory * 1e6)),
        ("Trained numbers", "" if run.trainable_parameters is None else format.count(run.trainable_parameters)),
        ("Adapter file", "" if run.adapter_bytes is None else format.size(run.adapter_bytes)),
    ]


def base_model(base: BaseModelUsed) -> Facts:
    """Which base was used, and how it was run; what is not known is empty."""
    return [
        ("Name", base.name),
        ("Source", base.source),
        ("Fingerprint", base.fingerprint),
        ("Number format", base.dtype),
        ("Device", base.device),
    ]


def _data(run: Run) -> Facts:
    data = run.data
    return [
        ("File", data.path),
        ("Shape", data.shape),
        ("Columns", ", ".join(data.columns)),
        ("Read as", "; ".join(f"{name}: {format.plain(column)}" for name, column in data.mapping.items())),
        ("Rows left out", format.count(len(data.bad_rows)) if data.path else ""),
        ("Rows shortened", format.count(data.truncated) if data.path else ""),
        ("Content hash", data.hash),
    ]
