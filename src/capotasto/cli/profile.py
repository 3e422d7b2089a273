"""A profile of data as tables."""

from collections.abc import Callable
from typing import Any

from rich.text import Text

from capotasto.cli.terminal import facts, heading, out, table
from capotasto.report import format

SHOWN = 3  # examples of each kind of trouble


def show(profile: dict[str, Any]) -> None:
    """Print what `capotasto.data.profile` found."""
    used = profile["columns"]["used"]
    heading(profile["path"])
    out.print(
        facts(
            [
                ("Read as", profile["shape"]),
                ("Columns", ", ".join(f"{key} from {column!r}" for key, column in used.items())),
                ("Not used", ", ".join(profile["columns"]["unused"])),
                ("Rows", f"{format.count(profile['rows'])}: {_splits(profile['splits'])}"),
                ("Windows", _windows(profile.get("windows"))),
                (
                    "Without prompt",
                    format.count(profile["empties"]["prompts"]) if profile["empties"]["prompts"] else "",
                ),
            ]
        )
    )
    _show_lengths(profile)
    _show_labels(profile["labels"])
    _show_troubles(profile)


def _windows(found: dict[str, int] | None) -> str:
    """Into how many windows plain texts are cut."""
    return f"{format.count(found['windows'])} of {format.count(found['tokens'])} tokens at most" if found else ""


def _splits(splits: dict[str, int]) -> str:
    return ", ".join(f"{side} {format.count(rows)}" for side, rows in splits.items())


def _show_lengths(profile: dict[str, Any]) -> None:
    lengths = {f"{name}, characters": found for name, found in profile["characters"].items()}
    if "tokens" in profile:
        lengths["whole row, tokens"] = profile["tokens"]
    made = table("Length of", *next(iter(lengths.values())), numbers=True)
    for name, found in lengths.items():
        made.add_row(name, *map(format.count, found.values()))
    out.print(made)


def _show_labels(labels: dict[str, dict[str, int]]) -> None:
    if not labels:
        return
    made = table("Label", *next(iter(labels.values())), numbers=True)
    for label, counts in labels.items():
        made.add_row(label, *map(format.count, counts.values()))
    out.print(made)


def _show_troubles(profile: dict[str, Any]) -> None:
    """What a person should look at, the first few of each kind."""
    trouble("bad rows", profile["bad_rows"], lambda row: f"{row['place']}: {row['reason']}")
    trouble("rows that repeat an earlier one exactly", profile["duplicates"], " and ".join)
    trouble("prompts with different completions", profile["conflicts"], lambda row: " and ".join(row["places"]))
    for side, found in profile["leakage"].items():
        trouble(f"{side} rows with the prompt of a training row", found, " and ".join)


def trouble(what: str, found: dict[str, Any], line: Callable[[Any], str]) -> None:
    """So many of them and the first few, or that there are none."""
    if not found["count"]:
        out.print(Text.assemble(("✓ ", "green"), f"no {what}"))
        return
    out.print(Text.assemble(("! ", "yellow"), f"{format.count(found['count'])} {what}"))
    for one in found["first"][:SHOWN]:
        out.print(Text(f"    {line(one)}", "dim"))
    if found["count"] > SHOWN:
        out.print(Text(f"    and {format.count(found['count'] - SHOWN)} more", "dim"))
