"""Texts with one or more numbers each, such as ratings: the text is the user's turn, the numbers are the completion."""

import math
from collections.abc import Sequence
from typing import Any

from capotasto.data.column_names import SCORE, TEXT
from capotasto.data.rows import Row
from capotasto.data.shapes.cells import as_text, number, text
from capotasto.data.shapes.shape import Shape
from capotasto.types import Turn

SEPARATOR = "|"  # between several columns of scores, in a mapping


def columns_of(mapped: str, columns: Sequence[str]) -> list[str]:
    """The columns that `score=mapped` names: one, or several as in `score=valence|arousal`."""
    return [mapped] if mapped in columns else [part.strip() for part in mapped.split(SEPARATOR)]


def turns(row: Row, columns: dict[str, str]) -> tuple[Turn, ...]:
    """The text and its numbers as they are written in the file."""
    names = columns_of(columns["score"], list(row.values))
    numbers = [as_text(row.values.get(name), row.place, f"column {name!r}").strip() for name in names]
    return Turn("user", text(row, columns["text"])), Turn("assistant", ", ".join(numbers), learn=True)


def scores(row: Row, columns: dict[str, str]) -> dict[str, Any]:
    """The numbers. Errors: a cell that is none."""
    names = columns_of(columns["score"], list(row.values))
    return {"scores": tuple(number(row, name) for name in names)}


def clear(columns: Sequence[str], rows: Sequence[Row], mapping: dict[str, str]) -> bool:
    """True for a file of these two columns, the second of numbers only: beside others it may be a mere by-product."""
    return len(columns) == 2 and all(is_number(row.values.get(mapping["score"])) for row in rows)


def is_number(value: object) -> bool:
    """True for a finite number, in JSON or as text."""
    try:
        found = math.isfinite(float(value)) if isinstance(value, str | int | float) else False
    except (ValueError, OverflowError):
        return False
    return found and not isinstance(value, bool)


SHAPE = Shape(needs={"text": TEXT, "score": SCORE}, turns=turns, holds=scores, clear=clear)
