"""The adapters in memory: read on first use, forgotten when others need the room, replaced at once and whole."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from capotasto.errors import AdapterError, UserError
from capotasto.serve.intake import Intake, Resident
from capotasto.serve.shelf import NAME, Shelf
from capotasto.session import Base


class Residents:
    """Used in the server's own thread only; an `Intake` does the reading."""

    def __init__(
        self, base: Base, call: Callable[[Callable[[], Any]], Future[Any]], shelf: Shelf, limit: int, taken: str
    ):
        """limit: bytes of all adapters in memory; taken: the base's name, which no adapter can have"""
        self.shelf, self.limit, self.taken = shelf, limit, taken
        self._intake = Intake(base, call, limit)
        self._named: dict[str, Resident] = {}  # told by name: they stay
        self._used: OrderedDict[str, Resident] = OrderedDict()  # read on first use, the longest unused first
        self._gone: set[str] = set()  # unloaded by name, though they lie on the shelf
        self._reading: dict[str, asyncio.Task[Resident]] = {}

    def names(self) -> list[str]:
        """All that may be asked for."""
        return sorted({*self._named, *self.shelf.names()} - self._gone)

    def at_hand(self, name: str) -> Resident | None:
        """The adapter if it is in memory now."""
        return self._named.get(name) or self._used.get(name)

    async def get(self, name: str) -> Resident | None:
        """The adapter of this name, read if need be; None if there is none. Errors: it is damaged or unsound."""
        if name in self._gone:
            return None
        if (found := self._named.get(name)) is not None:
            return found
        folder = self.shelf.find(name)
        if folder is None:
            return None
        if (found := self._used.get(name)) is not None and found.source == str(folder):
            self._used.move_to_end(name)
            return found
        if name not in self._reading:  # who comes meanwhile waits for the same reading
            self._reading[name] = asyncio.create_task(self._first_use(name, folder))
            self._reading[name].add_done_callback(lambda _: self._reading.pop(name))
        return await asyncio.shield(self._reading[name])

    async def load(self, name: str, source: str | Path) -> Resident:
        """Read an adapter under a name, in place of an earlier one once it has passed every check.

        source: as in `Shelf.place`; a `Path` is taken as it is
        """
        if name == self.taken:
            raise AdapterError(f"the name {name!r} is the bare base's; give the adapter another")
        if isinstance(source, str) and not NAME.fullmatch(name):
            raise AdapterError(f"{name!r} cannot be an adapter's name; use letters, digits, . _ and -, at most 64")
        folder = source if isinstance(source, Path) else self.shelf.place(source)
        found = await self._read(name, folder)
        others = sum(one.bytes for key, one in self._named.items() if key != name)
        if others + found.bytes > self.limit:
            raise AdapterError(
                f"{name} takes {found.bytes} bytes, and {others} of {self.limit} are taken by adapters loaded by name;"
                " unload one, or raise --adapters-gb"
            )
        self._named[name] = found
        self._used.pop(name, None)
        self._gone.discard(name)
        self._make_room()
        return found

    def unload(self, name: str) -> bool:
        """Forget an adapter; requests that run keep theirs. False if there is none."""
        known = name in self._named or (name not in self._gone and self.shelf.find(name) is not None)
        self._named.pop(name, None)
        self._used.pop(name, None)
        if self.shelf.find(name) is not None:
            self._gone.add(name)
        return known

    def close(self) -> None:
        """Read no more."""
        self._intake.close()

    async def _first_use(self, name: str, folder: Path) -> Resident:
        found = await self._read(name, folder)
        self._used[name] = found
        self._make_room()
        return found

    async def _read(self, name: str, folder: Path) -> Resident:
        try:
            return await asyncio.wrap_future(self._intake.take(name, folder))
        except UserError as error:  # clients learn what is wrong with it, not where it lies
            raise AdapterError(str(error).replace(str(folder), f"adapter {name!r}")) from error

    def _make_room(self) -> None:
        """Forget what was not used longest; the newest stays."""
        held = sum(one.bytes for one in (*self._named.values(), *self._used.values()))
        while held > self.limit and len(self._used) > 1:
            held -= self._used.popitem(last=False)[1].bytes
