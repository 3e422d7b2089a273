"""A store: many adapters in one folder, with versions that never change and tags that move."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from capotasto.errors import AdapterError, nearest
from capotasto.records import content_hash, file_hash, read_json, write_json
from capotasto.wheels import home

_INDEX = "index.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What a run keeps for its own sake and an adapter does not need.
_LEFT = (
    *("log.jsonl", "report.html", "start.json", "difficulty.json", "initial.safetensors", "checkpoint.safetensors"),
    "tensorboard",
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an adapter.

    hash: of its files; the same files are the same version
    """

    number: int
    hash: str
    method: str
    base: str
    fingerprint: str
    bytes: int
    added: str
    verdict: str = ""


@dataclass(slots=True)
class Entry:
    """All versions of one name, and the tags that point to them."""

    versions: dict[int, Version] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)


class Store:
    """Adapters by `name`, `name@version` or `name:tag`. Opening reads one index, whatever the number of adapters."""

    def __init__(self, folder: str | Path | None = None):
        """folder: left out, `store` in the cache folder."""
        self.folder = Path(folder) if folder is not None else home() / "store"
        self.entries = _entries(self.folder)

    def add(self, source: str | Path, name: str | None = None) -> str:
        """Copy an adapter's folder into the store; returns `name@version`. Files that are there already add nothing.

        Errors: no adapter at `source`, a name that is no plain file name.
        """
        source = Path(source)
        files = _files(source)
        papers = read_json(source / "manifest.json") if (source / "manifest.json").exists() else {}
        name = name or str(papers.get("name") or source.resolve().name)
        if not _NAME.fullmatch(name):
            raise AdapterError(f"{name!r} cannot be an adapter's name; use letters, digits, . _ and -, at most 64")
        digest = content_hash(f"{path.relative_to(source)} {file_hash(path)}" for path in files)
        with self._changing():
            entry = self.entries.setdefault(name, Entry())
            for version in entry.versions.values():
                if version.hash == digest:
                    return f"{name}@{version.number}"
            number = max(entry.versions, default=0) + 1
            _copy(source, files, self.folder / name / str(number))
            entry.versions[number] = _version(number, digest, source, papers, files)
        return f"{name}@{number}"

    def tag(self, reference: str, tag: str) -> None:
        """Let `tag` point to the version that `reference` means. Errors: no such version, no plain word."""
        if not _NAME.fullmatch(tag):
            raise AdapterError(f"{tag!r} cannot be a tag; use letters, digits, . _ and -, at most 64")
        with self._changing():
            name, number = self._resolve(reference)
            self.entries[name].tags[tag] = number

    def remove(self, reference: str) -> list[str]:
        """Forget a version (`name@version`), or all of a name (`name`); returns what is gone. Tags on it go too."""
        with self._changing():
            name, number = self._resolve(reference)
            entry = self.entries[name]
            gone = list(entry.versions) if reference == name else [number]
            entry.versions = {one: version for one, version in entry.versions.items() if one not in gone}
            entry.tags = {tag: one for tag, one in entry.tags.items() if one not in gone}
            if not entry.versions:
                del self.entries[name]
        for one in gone:
            shutil.rmtree(self.folder / name / str(one), ignore_errors=True)
        return [f"{name}@{one}" for one in gone]

    def find(self, reference: str) -> Path:
        """The folder of an adapter: of its newest version, of `name@version`, or of `name:tag`."""
        name, number = self._resolve(reference)
        return self.folder / name / str(number)

    def __len__(self) -> int:
        """Versions in all."""
        return sum(len(entry.versions) for entry in self.entries.values())

    def _resolve(self, reference: str) -> tuple[str, int]:
        name, kind, detail = _parted(reference)
        if name not in self.entries:
            raise AdapterError(f"no adapter {name!r} in {self.folder}; {nearest(name, self.entries)}")
        entry = self.entries[name]
        if not kind:
            return name, max(entry.versions)
        known = {str(number): number for number in entry.versions} if kind == "@" else entry.tags
        if detail not in known:
            there = ", ".join(f"{name}{kind}{one}" for one in known) or "none"
            raise AdapterError(f"no adapter {reference!r} in {self.folder}; there is: {there}")
        return name, known[detail]

    @contextmanager
    def _changing(self) -> Iterator[Self]:
        """Others wait, and the index is read anew before it is changed and written after."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):
            self.entries = _entries(self.folder)
            yield self
            write_json(self.folder / _INDEX, {name: asdict(entry) for name, entry in sorted(self.entries.items())})


def _entries(folder: Path) -> dict[str, Entry]:
    if not (folder / _INDEX).exists():
        return {}
    try:
        return {name: _entry(entry) for name, entry in read_json(folder / _INDEX).items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"{folder / _INDEX} is no index of a store ({error}); add its adapters again") from None


def _entry(entry: dict[str, Any]) -> Entry:
    return Entry({int(number): Version(**version) for number, version in entry["versions"].items()}, entry["tags"])


def _parted(reference: str) -> tuple[str, str, str]:
    """`name@2` → (name, @, 2)."""
    for kind in "@:":
        name, found, detail = reference.partition(kind)
        if found:
            return name, kind, detail
    return reference, "", ""


def _files(source: Path) -> list[Path]:
    """What makes the adapter, in order. A link would let a store point outside itself."""
    if not any(source.glob("**/*.safetensors")):
        raise AdapterError(f"no adapter at {source}: it holds no .safetensors file; name what `capo tune` wrote")
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for path in files:
        if path.is_symlink():
            raise AdapterError(f"{path} is a link; put the file itself there")
    return [path for path in files if not _left(path.relative_to(source))]


def _left(path: Path) -> bool:
    return path.parts[0] in _LEFT or path.name in _LEFT or path.name.startswith(".")


def _copy(source: Path, files: list[Path], target: Path) -> None:
    """Whole or not at all: an interrupted copy is not in the index and is replaced by the next."""
    shutil.rmtree(target, ignore_errors=True)
    for path in files:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _version(number: int, digest: str, source: Path, papers: dict[str, Any], files: list[Path]) -> Version:
    run = read_json(source / "run.json") if (source / "run.json").exists() else {}
    base = papers.get("base") or {}
    return Version(
        number=number,
        hash=digest,
        method=str(papers.get("method") or "peft"),
        base=str(base.get("name") or "unknown"),
        fingerprint=str(base.get("fingerprint") or ""),
        bytes=sum(path.stat().st_size for path in files),
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=str(run.get("verdict") or ""),
    )
