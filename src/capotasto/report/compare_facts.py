"""What was compared, as labelled facts: only those that the folder holds."""

from capotasto.report import format
from capotasto.report.compare import Comparison
from capotasto.report.facts import Facts, base_model, known


def compare_facts(found: Comparison) -> dict[str, Facts]:
    """The facts by heading; headings without facts are left out."""
    settings = [(name, format.plain(value)) for name, value in found.settings.items()]
    return known(
        {"Comparison": _spent(found), "Base model": base_model(found.base), "Data": _data(found), "Settings": settings}
    )


def _spent(found: Comparison) -> Facts:
    return [
        ("Budget", format.seconds(found.budget_seconds) if found.budget_seconds else ""),
        ("Time taken", format.seconds(found.seconds) if found.seconds else ""),
        ("Date", found.date),
        ("Capotasto", found.capotasto),
    ]


def _data(found: Comparison) -> Facts:
    data = found.data
    return [
        ("File", data.path),
        ("Shape", data.shape),
        *((f"Rows, {name}", format.count(rows)) for name, rows in data.rows.items()),
        ("Test rows answered", format.count(len(found.rows))),
        ("Different prompts among them", "" if found.prompts is None else format.count(len(found.units))),
        ("Labels", format.count(len(data.labels)) if data.labels else ""),
        ("Documents", found.docs),
        ("Content hash", data.hash),
    ]
