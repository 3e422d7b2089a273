"""Where adapters lie that may be served: a folder of them, and a store. Nothing outside is ever opened."""

import os
import re
import time
from pathlib import Path

from capotasto.artifact import CONFIG, MANIFEST
from capotasto.errors import AdapterError
from capotasto.store import Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SETTLED = 1_000_000_000  # nanoseconds after which a file system's clock shows another change as another time


class Shelf:
    """Names and folders of adapters, without reading any of their tensors."""

    def __init__(self, folder: Path | None, store: Path | None):
        """folder: of adapters' folders; store: of a store. Errors: a folder that is not there."""
        for place, flag in ((folder, "--adapters-dir"), (store, "--store")):
            if place is not None and not place.is_dir():
                raise AdapterError(f"{flag} {place} is no folder; name one that holds adapters")
        self.folder = None if folder is None else folder.resolve()
        self._store = None if store is None else store.resolve()
        self._read: tuple[tuple[int, int], Store] | None = None
        self._listed = 0  # when the folder had last changed as it was listed
        self._adapters: set[str] = set()
        self._others: set[str] = set()  # folders in it that hold no adapter yet

    def names(self) -> list[str]:
        """All that may be asked for: folders' names, and the store's names with their versions and tags."""
        found = set()
        if self.folder is not None:
            found = self._folders(self.folder)
        if self._store is not None:
            for name, entry in self._entries().entries.items():
                versions = (f"{name}@{number}" for number in entry.versions)
                found.update((name, *versions, *(f"{name}:{tag}" for tag in entry.tags)))
        return sorted(found)

    def find(self, name: str) -> Path | None:
        """The folder of an adapter by its name alone; None if there is none."""
        if self.folder is not None and NAME.fullmatch(name):
            place = self.folder / name
            if place.is_dir() and not place.is_symlink() and _is_adapter(place):
                return place
        return self._in_store(name)

    def place(self, source: str) -> Path:
        """The folder that a source means: below the adapters' folder, or a reference to the store.

        Errors: nothing there, or a path that leads out (.., an absolute path, a link).
        """
        if self.folder is None and self._store is None:
            raise AdapterError("this server reads no adapters at run time; start it with --adapters-dir or --store")
        if (found := self._in_store(source)) is not None:
            return found
        if self.folder is not None and "\0" not in source:
            given = Path(source)
            relative = given.relative_to(self.folder) if given.is_relative_to(self.folder) else given
            if relative.is_absolute() or ".." in relative.parts:
                raise AdapterError(f"{source!r} leads out of the adapters' folder; name a folder inside it")
            place = self.folder / relative
            if relative.parts and os.path.isdir(place) and _is_adapter(place):  # noqa: PTH112  (False, where Path raises)
                _inside(place, self.folder, source)
                return place
        raise AdapterError(
            f"no adapter at {source!r}; name a folder inside the adapters' folder, or NAME@VERSION of the store"
        )

    def bare(self, source: str) -> str:
        """What patterns of names are held against for a source: its first folder, or the reference."""
        given = Path(source)
        if self.folder is not None and given.is_relative_to(self.folder):
            given = given.relative_to(self.folder)
        return given.parts[0] if given.parts else source

    def _folders(self, folder: Path) -> set[str]:
        """Names of the adapters in it, which is listed again when it has changed. A folder that is no adapter is looked
        at each time: its last file may have come, and of that the folder around it tells nothing."""
        changed = folder.stat().st_mtime_ns
        if changed != self._listed:
            with os.scandir(folder) as entries:
                self._others = {one.name for one in entries if one.is_dir(follow_symlinks=False)}
            self._adapters = set()
            self._listed = changed if time.time_ns() - changed > _SETTLED else 0
        new = {name for name in self._others if _is_adapter(f"{folder}/{name}")}
        self._adapters |= new
        self._others -= new
        return set(self._adapters)

    def _in_store(self, name: str) -> Path | None:
        if self._store is None:
            return None
        try:
            found = self._entries().find(name)
        except AdapterError:
            return None
        return found if found.resolve() == found else None  # never over a link

    def _entries(self) -> Store:
        """The store; its index is read again when it has changed."""
        assert self._store is not None
        index = self._store / "index.json"
        stat = index.stat() if index.exists() else None
        stamp = (stat.st_mtime_ns, stat.st_size) if stat is not None else (0, 0)
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, Store(self._store)
        return self._read[1]


def _is_adapter(folder: Path | str) -> bool:
    """By texts, because a `Path` takes longer to make than the system to answer, and there may be thousands."""
    place = os.fspath(folder)
    return os.path.exists(f"{place}/{MANIFEST}") or os.path.exists(f"{place}/{CONFIG}")  # noqa: PTH110


def _inside(place: Path, root: Path, source: str) -> None:
    if place.resolve() != place or not place.is_relative_to(root):
        raise AdapterError(f"{source!r} goes over a link; put the adapter itself into the adapters' folder")
