"""The log of a run: one JSON line a record, cut back to its checkpoint when a run goes on."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from capotasto.records import disk_error
from capotasto.types import StepRecord


class Log:
    """Appends records to `log.jsonl`; with `keep`, what stands behind that many bytes is taken back first.

    A disk that takes no more is a `UserError` in every method.
    """

    def __init__(self, path: Path, keep: int = 0):
        self.path = path
        with self._told():
            self._stream = path.open("ab")
            self._stream.truncate(min(keep, self._stream.tell()))
            self._stream.seek(0, os.SEEK_END)

    def see(self, record: StepRecord) -> None:
        """Write one record."""
        with self._told():
            self._stream.write(json.dumps(asdict(record)).encode() + b"\n")

    def size(self) -> int:
        """Bytes written so far, safely on the disk."""
        with self._told():
            self._stream.flush()
            os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        """End the log."""
        with self._told():
            self._stream.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk_error(self.path, error) from error
