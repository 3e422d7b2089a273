"""Whether the first record of a delimited file names the columns."""

from capotasto.data.column_names import KNOWN, normalise
from capotasto.errors import DataError

SAMPLE = 1000  # records compared with the first
LONGEST_NAME = 80  # characters; what is longer is text, not a name


def has_header(records: list[list[str]]) -> bool:
    """True unless the first record is clearly data.

    It is data when one of its cells recurs in a column of few values (`ham`, `spam`, `ham` ...), or when no cell is a
    known column name and one is too long for a name. Repetitions of the whole record do not count: files that were
    glued together repeat their header.
    """
    first = records[0]
    others = [record for record in records[1:SAMPLE] if len(record) == len(first) and record != first]
    if any(_recurs(cell, [record[index] for record in others]) for index, cell in enumerate(first)):
        return False
    return any(normalise(cell) in KNOWN for cell in first) or all(len(cell) <= LONGEST_NAME for cell in first)


def _recurs(cell: str, values: list[str]) -> bool:
    return bool(cell) and cell in values and 2 * len(set(values)) <= len(values) + 1  # 1: the cell itself


def numbered(count: int) -> list[str]:
    """The names of columns that have none: column_1, column_2 ..."""
    return [f"column_{number}" for number in range(1, count + 1)]


def column_names(header: list[str], place: str) -> list[str]:
    """The header's names, stripped; an empty one is named by its position, the same one twice is a `DataError`."""
    names = [cell.strip() or number for cell, number in zip(header, numbered(len(header)), strict=True)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{place}: the header names the column {twice!r} twice; rename one of them")
    return names
