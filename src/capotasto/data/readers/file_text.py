"""From bytes to text: UTF-8, with or without a byte order mark."""

import codecs
import shlex
from pathlib import Path

from capotasto.errors import DataError


def read_text(path: Path) -> str:
    """The file's text. An unreadable, empty or differently encoded file is a `DataError` with the remedy."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the file and its permissions") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path.name}:1 is UTF-16, not UTF-8 (byte 0); {_convert(path, 'utf-16')}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With a byte order mark the decoder counts from behind it.
        start = error.start + len(content) - len(error.object)
        line = content.count(b"\n", 0, start) + 1
        raise DataError(f"{path.name}:{line} is not UTF-8 (byte {start}); {_convert(path, 'latin1')}") from None
    if not text.strip():
        raise DataError(f"{path} is empty; it needs at least one row")
    return text


def _convert(path: Path, encoding: str) -> str:
    return f"convert it: iconv -f {encoding} -t utf-8 {shlex.quote(str(path))} > {shlex.quote('utf8-' + path.name)}"
