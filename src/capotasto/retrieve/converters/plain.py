"""A text file, as it is."""

import codecs
from pathlib import Path

from capotasto.data.readers.file_text import read_text
from capotasto.errors import DataError
from capotasto.retrieve.records import Document

_LOOKED_AT = 8192  # bytes in which a file that is no text shows itself
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read(path: Path, name: str) -> Document:
    """The file's text, without headings."""
    return Document(name, text_of(path, name))


def text_of(path: Path, name: str) -> str:
    """The text of a file. Errors: bytes that are no text, another encoding, nothing in it."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_LOOKED_AT)
    except OSError as error:
        raise DataError(f"{name} cannot be read ({error.strerror or error}); check its rights") from None
    if b"\0" in head and not head.startswith(_UTF_16):
        raise DataError(f"{name} is no text, it holds zero bytes; give it the ending of what it is, or take it away")
    return read_text(path)
