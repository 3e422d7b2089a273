"""Hashes of large files, remembered: reading gigabytes again would cost seconds at every start."""

import contextlib
from pathlib import Path

from capotasto.errors import UserError
from capotasto.records import content_hash, file_hash, write_text
from capotasto.wheels import home


def remembered_hash(path: Path) -> str:
    """sha256 of a file's bytes, kept in the cache under its path, size and time of change."""
    path = path.resolve()
    status = path.stat()
    note = home() / "hashes" / content_hash([str(path), str(status.st_size), str(status.st_mtime_ns)])
    if note.exists():
        return note.read_text(encoding="utf-8")
    digest = file_hash(path)
    with contextlib.suppress(OSError, UserError):  # a cache that cannot be written only costs the time
        write_text(note, digest)
    return digest
