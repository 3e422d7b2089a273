"""Texts out of the cells of a row; what is not a text is a `RowError` naming the place, the column and the reason."""

import math

from capotasto.data.rows import Row, RowError


def text(row: Row, column: str) -> str:
    """The cell's text, never blank."""
    value = optional_text(row, column)
    if not value.strip():
        raise RowError(row.place, f"column {column!r} is empty", empty=True)
    return value


def optional_text(row: Row, column: str | None) -> str:
    """The cell's text, "" where there is none."""
    return "" if column is None else as_text(row.values.get(column), row.place, f"column {column!r}")


def first_text(row: Row, column: str) -> str:
    """The cell's text, or the first of a list of equally good ones. Never blank."""
    value = row.values.get(column)
    if isinstance(value, list):
        return text(Row({column: value[0] if value else None}, row.place), column)
    return text(row, column)


def as_text(value: object, place: str, what: str) -> str:
    """A JSON scalar as text: numbers and booleans as JSON writes them, null and NaN as ""."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise RowError(place, f"{what} holds a {type(value).__name__} where text is expected")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise RowError(place, f"{what} holds half a character (a lone surrogate \\ud800-\\udfff); write the text again")
    return value


def number(row: Row, column: str) -> float:
    """The cell as a finite number."""
    value = row.values.get(column)
    try:
        found = math.nan if value is None or isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found):
        raise RowError(row.place, f"column {column!r} holds {value!r} where a number is expected")
    return found
