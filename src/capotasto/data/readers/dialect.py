"""How a delimited file is written: which delimiter, and whether quotes are markup or text."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = ("\t", ";", ",")  # on a tie the rarer in prose wins
SAMPLE = 200  # records looked at to find the delimiter
LONGEST_CELL = 2**31 - 1  # characters; the largest limit every platform takes


@dataclass(frozen=True, slots=True)
class Dialect:
    """delimiter: one character; quoted: a cell may stand in double quotes and then hold delimiters and line ends."""

    delimiter: str
    quoted: bool = True

    def records(self, text: str, strict: bool = False) -> "Reader":
        """A `csv.reader` over the text; its `line_num` counts physical lines."""
        csv.field_size_limit(LONGEST_CELL)
        return csv.reader(
            io.StringIO(text, newline=""),
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            strict=strict,
        )


def sniff(text: str) -> Dialect:
    """The delimiter that cuts most records into as many cells as the first; a file of one column gets a comma."""
    best = max(DELIMITERS, key=lambda delimiter: _agreement(text, delimiter))
    if not _agreement(text, best):
        return Dialect(",")
    return Dialect(best, quoted=best != "\t" or _quotes_are_markup(text))


def _agreement(text: str, delimiter: str) -> float:
    sizes = [len(record) for record in islice(Dialect(delimiter).records(text), SAMPLE) if record]
    return sizes.count(sizes[0]) / len(sizes) if sizes and sizes[0] > 1 else 0.0


def _quotes_are_markup(text: str) -> bool:
    """Tab-separated files come with and without quoting; read the wrong way, one quote swallows whole rows.

    The reading with fewer ragged rows is right. Where both are even, quotes are markup if every one is closed in its
    cell.
    """
    quoted, literal = (_ragged(text, Dialect("\t", quoted)) for quoted in (True, False))
    if quoted != literal:
        return quoted < literal
    cells = (cell for record in Dialect("\t", quoted=False).records(text) for cell in record)
    return all(_closed(cell) for cell in cells if cell.startswith('"'))


def _ragged(text: str, dialect: Dialect) -> int:
    sizes = [len(record) for record in dialect.records(text) if record]
    return sum(size != sizes[0] for size in sizes)


def _closed(cell: str) -> bool:
    return len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")
