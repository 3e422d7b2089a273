"""Reads adapters for a server: every check before anybody can call one, and no file twice that was refused."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from capotasto.errors import AdapterError
from capotasto.methods.adapter import Adapter
from capotasto.records import read_json
from capotasto.serve import soundness
from capotasto.serve.own_tensors import own_bytes
from capotasto.session import Base


@dataclass(frozen=True, slots=True)
class Resident:
    """An adapter in memory. Who has it keeps it: a request goes on with the one it began with.

    labels: what a text adapter was trained to choose among, as far as its papers say; of a head, what it answers
    bytes:  in memory, without what it shares with the base
    loaded: seconds since 1970
    """

    name: str
    source: str
    adapter: Adapter
    labels: tuple[str, ...]
    bytes: int
    loaded: int


class Intake:
    """One adapter after another, in a thread of its own. Only what touches the base's modules goes through `call`,
    which holds up all that the engine writes."""

    def __init__(self, base: Base, call: Callable[[Callable[[], Any]], Future[Any]], limit: int):
        """limit: bytes that an adapter may have"""
        self.base, self.limit = base, limit
        self._call = call
        self._refused: dict[tuple[str, Path], tuple[object, str]] = {}  # in which state, and why
        self._thread = ThreadPoolExecutor(1, "adapters")

    def take(self, name: str, folder: Path) -> "Future[Resident]":
        """Read an adapter. Its future fails with one line where it is damaged or unsound; such a one is not read again
        until its files change."""
        return self._thread.submit(self._taken, name, folder)

    def close(self) -> None:
        """Read no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _taken(self, name: str, folder: Path) -> Resident:
        state = soundness.state(folder)
        before, why = self._refused.get((name, folder), (None, ""))
        if before == state:
            raise AdapterError(why)
        try:
            return self._read(name, folder)
        except AdapterError as error:
            if not _passing(error):
                self._refused[name, folder] = state, str(error)
            raise

    def _read(self, name: str, folder: Path) -> Resident:
        self._check_size(soundness.size(folder), folder)
        read = partial(soundness.read, folder, self.base, name)
        # The base's modules may not be copied while the engine computes with them: it hangs its changes on them.
        adapter = self._call(read).result() if soundness.copies_base(folder) else read()
        size = own_bytes(adapter, self.base)
        self._check_size(size, folder)
        if soundness.needs_attempt(adapter):
            self._call(partial(soundness.attempt, adapter, self.base, folder)).result()
        return Resident(name, str(folder), adapter, _labels(adapter, folder), size, int(time.time()))

    def _check_size(self, size: int, folder: Path) -> None:
        if size > self.limit:
            raise AdapterError(
                f"{folder} has {size} bytes, and all adapters may have {self.limit}: raise --adapters-gb"
            )


def _passing(error: AdapterError) -> bool:
    """True where not the adapter is to blame but memory or a disk, which may fail now and not later."""
    cause = error.__cause__ or error.__context__
    return isinstance(cause, MemoryError | torch.OutOfMemoryError) or bool(getattr(cause, "errno", None))


def _labels(adapter: Adapter, folder: Path) -> tuple[str, ...]:
    if (names := adapter.classes()) is not None:
        return tuple(names)
    papers = read_json(folder / "run.json") if (folder / "run.json").exists() else {}
    labels = papers.get("labels") if isinstance(papers, dict) else None
    return tuple(map(str, labels)) if isinstance(labels, list) else ()
