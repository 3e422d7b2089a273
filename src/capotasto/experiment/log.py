"""The log of a run: one JSON line a record, cut back to its checkpoint when a run goes on."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from capotasto.types import StepRecord


class Log:
    """Appends records to `log.jsonl`; with `keep`, what stands behind that many bytes is taken back first."""

    def __init__(self, path: Path, keep: int = 0):
        self._stream = path.open("ab")
        self._stream.truncate(keep)
        self._stream.seek(0, os.SEEK_END)

    def see(self, record: StepRecord) -> None:
        """Write one record."""
        self._stream.write(json.dumps(asdict(record)).encode() + b"\n")

    def size(self) -> int:
        """Bytes written so far, safely on the disk."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        """End the log."""
        self._stream.close()
