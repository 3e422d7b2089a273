"""From a path to rows: one reader for each file format, chosen by the file's extension.

A reader is a function `read(path: Path) -> Iterator[Row | BadRow]`. Its name in the table is the extension, or, with
a colon at the end, the scheme of an address such as `hub:OWNER/NAME`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError
from capotasto.registry import Table

Reader = Callable[[Path], Iterator[Row | BadRow]]

READERS = Table(
    "reader",
    {
        "csv": "capotasto.data.readers.delimited:read",
        "tsv": "capotasto.data.readers.delimited:read",
        "json": "capotasto.data.readers.json_document:read",
        "jsonl": "capotasto.data.readers.json_lines:read",
        "ndjson": "capotasto.data.readers.json_lines:read",
        "parquet": "capotasto.data.readers.parquet_file:read",
        "txt": "capotasto.data.readers.plain_text:read",
        "text": "capotasto.data.readers.plain_text:read",
        "md": "capotasto.data.readers.plain_text:read",
        "hub:": "capotasto.data.readers.hub_dataset:read",
    },
)


def read(source: str) -> Iterator[Row | BadRow]:
    """The rows of a file or of an address like `hub:OWNER/NAME:SPLIT`; a `DataError` where there is nothing to read."""
    return cast(Reader, READERS[_reader_name(source)])(Path(source))


def _reader_name(source: str) -> str:
    names = tuple(READERS)
    scheme = source[: source.find(":") + 1]
    if scheme in names:
        return scheme
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder; give one data file in it")
    if not path.exists():
        raise DataError(f"no data file at {path}; check the path")
    extension = path.suffix.lower().removeprefix(".")
    if extension not in names or extension.endswith(":"):
        raise DataError(f"{path}: cannot tell the format from the ending {path.suffix!r}; {_known()}")
    return extension


def _known() -> str:
    endings = ", ".join(f".{name}" for name in READERS if not name.endswith(":"))
    return f"rename or convert it to one of {endings}"
