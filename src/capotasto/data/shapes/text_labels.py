"""Texts with any number of labels each: the text is the user's turn, the labels are the completion."""

import json
from collections.abc import Sequence
from typing import Any

from capotasto.data.column_names import LABELS, TEXT
from capotasto.data.rows import Row, RowError
from capotasto.data.shapes.cells import as_text, text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn

SEPARATOR = "|"


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The text and its labels, with commas between."""
    found = ", ".join(_labels(row, columns["labels"]))
    return Turn("user", text(row, columns["text"])), Turn("assistant", found, learn=True)


def labels(row: Row, columns: dict[str, str]) -> dict[str, Any]:
    """The labels, each once, in the row's order."""
    return {"labels": _labels(row, columns["labels"])}


def _labels(row: Row, column: str) -> tuple[str, ...]:
    """A JSON list, in JSON or as text, or `a|b`; an empty cell is a row without any label."""
    value, what = row.values.get(column), f"column {column!r}"
    parts = value if isinstance(value, list) else _parts(as_text(value, row.place, what), row.place, what)
    found = (as_text(part, row.place, f"a label in {what}").strip() for part in parts)
    return tuple(dict.fromkeys(label for label in found if label))


def _parts(cell: str, place: str, what: str) -> list[Any]:
    if not cell.lstrip().startswith("["):
        return cell.split(SEPARATOR)
    try:
        return list(json.loads(cell))
    except (ValueError, RecursionError):
        raise RowError(place, f'{what} holds {cell!r}, which is no JSON list; write ["a", "b"] or a|b') from None


def clear(columns: Sequence[str], rows: Sequence[Row], mapping: dict[str, str]) -> bool:
    """True where lists are written in the column."""
    cells = [row.values.get(mapping["labels"]) for row in rows]
    return all(isinstance(cell, list) for cell in cells) or any(
        isinstance(cell, str) and (SEPARATOR in cell or cell.lstrip().startswith("[")) for cell in cells
    )


SHAPE = Shape(needs={"text": TEXT, "labels": LABELS}, turns=turns, holds=labels, clear=clear)
