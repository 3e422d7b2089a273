"""Rows of probe files, and items made from them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from capotasto.auditing.probe import Item
from capotasto.data import readers
from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError

Thing = TypeVar("Thing")


def spread(things: Sequence[Thing], count: int) -> list[Thing]:
    """At most `count` of them, at even distances."""
    count = min(count, len(things))
    return [things[i * len(things) // count] for i in range(count)]


def picked(paths: Sequence[Path], make: Callable[[dict[str, Any]], Item], count: int) -> list[Item]:
    """Items of at most `count` rows, spread over all files. Errors: a row that cannot be read, or not be used."""
    found = [(row, path) for path in paths for row in _rows(path)]
    return [checked(row.values, make, f"{path.parent / row.place}") for row, path in spread(found, count)]


def _rows(path: Path) -> list[Row]:
    found = list(readers.read(str(path)))
    if bad := next((row for row in found if isinstance(row, BadRow)), None):
        raise DataError(f"{path.parent / bad.place}: {bad.reason}")
    return [row for row in found if isinstance(row, Row)]


def checked(values: Any, make: Callable[[Any], Item], place: str) -> Item:
    """The item made from `values`. Errors: they are not in the probe's format."""
    try:
        return make(values)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{place} is not in the format of this probe ({why}); docs/audit.md shows it") from None
