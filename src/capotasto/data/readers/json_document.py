"""Rows of a JSON file: a list of objects, or an object that holds one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capotasto.data.readers.file_text import read_text
from capotasto.data.readers.json_lines import rows_of
from capotasto.data.readers.json_value import JsonError, parse
from capotasto.data.rows import BadRow, Row
from capotasto.errors import DataError

ROW_KEYS = ("data", "rows", "examples", "instances", "items", "records", "train")


def read(path: Path) -> Iterator[Row | BadRow]:
    """Yield the rows. JSON Lines under the ending .json are understood too."""
    text = read_text(path)
    try:
        document = parse(text)
    except JsonError as fault:
        if fault.reason == "Extra data" and text.lstrip().startswith("{"):
            yield from rows_of(text, path.name)
            return
        where = f"{path.name}:{fault.line}, column {fault.column}"
        raise DataError(f"{where}: not valid JSON: {fault.reason}; correct the file there") from None
    key, items = _items(document, path)
    prefix = f"{path.name}:{key}" if key else path.name
    yield from (_row(item, f"{prefix}[{index}]") for index, item in enumerate(items))


def _items(document: Any, path: Path) -> tuple[str, list[Any]]:
    """The list of rows, and the key it stands under ("" for a list that is the whole file)."""
    if isinstance(document, list):
        return "", document
    if not isinstance(document, dict):
        raise DataError(f"{path} holds a single JSON value; it must hold a list of objects")
    lists = {key: value for key, value in document.items() if _is_rows(value)}
    if not lists:
        raise DataError(f"{path} holds one JSON object without a list of objects in it; write [{{...}}, {{...}}]")
    chosen = list(lists) if len(lists) == 1 else [key for key in lists if key.lower() in ROW_KEYS]
    if len(chosen) != 1:
        names = ", ".join(repr(key) for key in lists)
        raise DataError(f"{path} holds several lists of objects ({names}); keep one, or call the right one 'data'")
    return chosen[0], lists[chosen[0]]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _row(item: Any, place: str) -> Row | BadRow:
    if isinstance(item, dict):
        return Row(item, place)
    return BadRow(place, f'a JSON {type(item).__name__} where an object like {{"text": ...}} is expected')
