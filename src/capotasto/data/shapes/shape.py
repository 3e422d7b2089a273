"""What a shape is: the columns it needs and how a row of them becomes an example."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from capotasto.data.column_names import normalise
from capotasto.data.rows import Row
from capotasto.data.shapes.cells import weight_of
from capotasto.types import Example, Turn

Aliases = dict[str, tuple[str, ...]]
WEIGHT = "weight"  # a key that goes with every shape: how much a row counts in training


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows of one form become examples.

    needs, optional: key (as in `--map key=COLUMN`) → the column names understood for it, the preferred ones first
    turns:           the turns of a row, given key → column; raises `RowError`
    labelled:        the last turn is a label to choose, not text to write
    holds:           what else an example holds, by the names of its fields
    clear:           whether a file of columns and rows is meant so, where the names of its columns do not say enough
    """

    needs: Aliases
    turns: Callable[[Row, dict[str, str]], tuple[Turn, ...]]
    optional: Aliases = field(default_factory=dict)
    labelled: bool = False
    holds: Callable[[Row, dict[str, str]], dict[str, Any]] = lambda row, columns: {}
    clear: Callable[[Sequence[str], Sequence[Row], dict[str, str]], bool] = lambda columns, rows, mapping: True

    def fit(self, columns: Iterable[str]) -> dict[str, str]:
        """Key → column for the columns understood; empty if a needed one is missing."""
        free = {normalise(column): column for column in columns}
        found = {}
        for key, aliases in {**self.needs, **self.optional}.items():
            name = next((alias for alias in aliases if alias in free), None)
            if name is not None:
                found[key] = free.pop(name)
        return found if self.needs.keys() <= found.keys() else {}

    def matches(self, columns: Iterable[str]) -> bool:
        """True if every needed column is there under a known name."""
        return bool(self.fit(columns))

    def takes(self, keys: Iterable[str]) -> bool:
        """True if a mapping with these keys says all this shape needs and nothing else."""
        return self.needs.keys() <= set(keys) - {WEIGHT} <= (self.needs | self.optional).keys()

    def example(self, row: Row, columns: dict[str, str]) -> Example:
        """The row as an example; `columns` maps key → column. A row that does not fit is a `RowError`."""
        turns = self.turns(row, columns)
        weight = weight_of(row, columns[WEIGHT]) if WEIGHT in columns else 1.0
        label = turns[-1].content if self.labelled else None
        return Example(turns, label, row.place, weight, **self.holds(row, columns))
