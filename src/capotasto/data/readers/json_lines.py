"""Rows of a JSON Lines file (https://jsonlines.org): one object a line."""

from collections.abc import Iterator
from pathlib import Path

from capotasto.data.readers.file_text import read_text
from capotasto.data.readers.json_value import JsonError, parse
from capotasto.data.rows import BadRow, Row


def read(path: Path) -> Iterator[Row | BadRow]:
    """Yield a row for each line that is not blank."""
    return rows_of(read_text(path), path.name)


def rows_of(text: str, name: str) -> Iterator[Row | BadRow]:
    """The rows of JSON lines in a text. Only a line feed ends a line: JSON strings may hold other separators."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _row(line, f"{name}:{number}")


def _row(line: str, place: str) -> Row | BadRow:
    try:
        value = parse(line)
    except JsonError as fault:
        return BadRow(place, f"not valid JSON at column {fault.column}: {fault.reason}; each line must be one object")
    if not isinstance(value, dict):
        found = type(value).__name__
        return BadRow(place, f"a JSON {found} where an object is expected; a file that is one list ends in .json")
    return Row(value, place)
