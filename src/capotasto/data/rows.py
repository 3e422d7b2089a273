"""What a reader yields: a row of named values, or a place that could not be read and why."""

from dataclasses import dataclass

from capotasto.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. `place` is "tickets.csv:12" (physical line, from 1) or "tickets.json[3]" (item, from 0)."""

    values: dict[str, object]
    place: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used. `empty` marks the commonest reason: a cell or turn that must hold text does not."""

    place: str
    reason: str
    empty: bool = False


class RowError(DataError):
    """A row that does not fit the shape; `load` turns it into a bad row or an error, as the user chose."""

    def __init__(self, place: str, reason: str, empty: bool = False):
        super().__init__(f"{place}: {reason}")
        self.bad = BadRow(place, reason, empty)
