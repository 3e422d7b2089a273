"""Run folders on disk: atomic writes, JSON lines, content hashes."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from capotasto.errors import SettingError, UserError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a full disk, a full quota, the largest file allowed


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that replaces `path` at the end, or leaves the old one untouched if anything fails.

    The bytes are flushed to the disk before the rename, so a crash leaves either the old file or the new one.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` at the end, or goes if anything fails.

    Errors: something is at `path` already that is not an empty folder.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise SettingError(f"--out {path} is not an empty folder; name a new one")
    unfinished = path.with_name(f".{path.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # what a killed process may have left
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def disk_error(path: Path, error: OSError) -> UserError:
    """What the system said when `path` could not be written, as one line."""
    if error.errno in _NO_ROOM:
        return UserError(f"the disk is full while writing {path}; what was there before is kept: free space and go on")
    reason = error.strerror or error
    return UserError(f"cannot write {path}: {reason}; what was there before is kept: check the folder and its rights")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically."""
    with atomic_file(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    """Write a text file (UTF-8) atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically, indented for people."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file; a damaged one is an error that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"cannot read {path}: {error}; the file is damaged or missing") from error


def read_same(path: Path, identity: str, work: str) -> dict[str, Any]:
    """Read the JSON file of work that is to go on. work: what it is and what makes it the same, for the error.

    Errors: the file has another identity.
    """
    content: dict[str, Any] = read_json(path)
    if content.get("identity") != identity:
        raise SettingError(f"{path} belongs to {work}; repeat those it was started with, or start again with --force")
    return content


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON lines. A half-written last line, as a crash leaves it, is dropped."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1] if line]


def content_hash(parts: Iterable[str]) -> str:
    """sha256 over texts, with the boundaries between them counted in."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
