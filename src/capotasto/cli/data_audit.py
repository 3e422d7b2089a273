"""The findings of an audit of data as lines."""

from typing import Any

from rich.text import Text

from capotasto.cli.profile import trouble
from capotasto.cli.terminal import heading, out

LONGEST = 80  # characters of a row that are shown


def show(audit: dict[str, Any]) -> None:
    """Print what `capotasto.auditing.data.audit_data` found."""
    heading("Audit")
    trouble("prompts or texts that nearly repeat an earlier one", audit["near_duplicates"], _pair)
    trouble("near repeats across train, val and test", audit["near_leakage"], _pair)
    _show_personal(audit["personal"])
    if audit["coarse"] is not None:
        trouble("rows with coarse words of an English list", audit["coarse"], _coarse)
    else:
        out.print("! coarse words were not looked for: pip install 'capotasto[audit]'", style="yellow")
    if audit["label_suspects"] is not None:
        trouble("labels that may be wrong", audit["label_suspects"], _suspect)
        untested = audit["untested_labels"]
        trouble("labels without a test row", {"count": len(untested), "first": untested}, str)
    out.print("Names, addresses and insults in decent words are not looked for (docs/leaks.md).", style="dim")


def _show_personal(found: dict[str, Any]) -> None:
    if not found:
        out.print(Text.assemble(("✓ ", "green"), "no personal data or secrets of a known form"))
    for kind, rows in found.items():
        trouble(f"found of the kind {kind}, masked here", rows, lambda one: f"{one['place']}: {one['shown']}")


def _coarse(row: dict[str, Any]) -> str:
    return f"{row['place']}: {', '.join(row['words'])}"


def _pair(pair: dict[str, Any]) -> str:
    (one, other), (mine, theirs) = pair["places"], pair["sides"]
    return f"{one} ({mine}) and {other} ({theirs}), {pair['similarity']:.2f} alike"


def _suspect(row: dict[str, Any]) -> str:
    flat = " ".join(row["text"].split())
    text = f"{flat[:LONGEST]}…" if len(flat) > LONGEST else flat
    return f"{row['place']}: {row['given']!r}, rather {row['likelier']!r}? {text}"
