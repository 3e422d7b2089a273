"""Rows of a comma-, semicolon- or tab-separated file (https://www.rfc-editor.org/rfc/rfc4180), with a header or not."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from capotasto.data.readers.dialect import Dialect, sniff
from capotasto.data.readers.file_text import read_text
from capotasto.data.readers.header import column_names, has_header, numbered
from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError

_QUOTES = 'write a quote that is part of the text twice ("") and quote the whole cell'


@dataclass(frozen=True, slots=True)
class _Record:
    place: str
    cells: list[str]
    fault: str = ""


def read(path: Path) -> Iterator[Row | BadRow]:
    """Yield the rows. Without a header the columns are called column_1, column_2 and so on."""
    text = read_text(path)
    dialect = sniff(text)
    records = list(_records(text, dialect, path))
    first = records[0]
    if first.fault:  # skipping it would take the next row for the header
        raise DataError(f"{first.place}: {first.fault}; the first row must be right, it may name the columns")
    headed = has_header([record.cells for record in records])
    names = column_names(first.cells, first.place) if headed else numbered(len(first.cells))
    yield from (_row(record, names, dialect.delimiter) for record in records[headed:])


def _records(text: str, dialect: Dialect, path: Path) -> Iterator[_Record]:
    reader = dialect.records(text, strict=True)
    while True:
        place = f"{path.name}:{reader.line_num + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # An open quote swallows the rest of the file: skipping that as one bad row would lose it silently.
            if "unexpected end" in str(error):
                raise DataError(f'{place}: a quote (") opened in this row is never closed; {_QUOTES}') from None
            yield _Record(place, [], f'text follows a closing quote ("); {_QUOTES}')
            continue
        if cells:
            yield _Record(place, cells)


def _row(record: _Record, names: list[str], delimiter: str) -> Row | BadRow:
    if record.fault:
        return BadRow(record.place, record.fault)
    if len(record.cells) != len(names):
        found = f"{len(record.cells)} cells found, {len(names)} expected"
        shown = "a tab" if delimiter == "\t" else repr(delimiter)
        return BadRow(record.place, f"{found}; put a cell that holds {shown} in double quotes")
    return Row(dict(zip(names, record.cells, strict=True)), record.place)
