"""Rows of CSV, JSON and Parquet files as documents: a column of texts, and one of titles where there is one."""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from capotasto.data.column_names import TEXT, normalise
from capotasto.data.readers import read
from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError
from capotasto.records import content_hash
from capotasto.retrieve.converters.markdown import headings, title
from capotasto.retrieve.records import Document, Fault, Heading, sound

_TITLES = ("title", "name", "heading", "subject")


def documents(path: Path, name: str, text_column: str | None) -> Iterator[Document | Fault]:
    """A document for each row, called by its place (`faq.jsonl:12`). Its text may be Markdown.

    text_column: left out: the first of the known names of texts. Errors: the file has no such column.
    """
    folder = PurePosixPath(name).parent
    for row in read(str(path)):
        place = str(folder / row.place)
        if isinstance(row, BadRow):
            yield Fault(place, f"{place}: {row.reason}")
            continue
        column = _column(row, (text_column,) if text_column else TEXT)
        if column is None:
            wanted = f"column {text_column!r}" if text_column else "column of texts"
            raise DataError(f"{place} has no {wanted}, but {', '.join(row.values)}; name it with --text-column")
        yield _document(place, row, column)


def state(document: Document) -> str:
    """Another one once a row has changed."""
    return content_hash([document.text, *(heading.title for heading in document.headings)])


def _document(place: str, row: Row, column: str) -> Document:
    text, named = row.values[column], _column(row, _TITLES)
    given = "" if text is None else sound(str(text))
    own = [] if named is None or named == column else [Heading(0, 0, 0, title(sound(str(row.values[named] or ""))))]
    return Document(place, given, (*own, *headings(given)))


def _column(row: Row, names: Iterable[str]) -> str | None:
    """The first of these names that the row has, as it writes it."""
    known = {normalise(column): column for column in row.values}
    return next((known[normalise(name)] for name in names if normalise(name) in known), None)
