"""A file of keys: who may use which adapters. It holds hashes, so that who reads it has no key.

A key is 256 random bits, which nobody can guess; so one round of sha256 is enough, and checking it costs no time that
an attacker could use up. (Slow hashes protect what people make up: passwords. See
https://pages.nist.gov/800-63-3/sp800-63b.html section 5.1.2.2, which asks for them below 112 bits.)
"""

import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock
from pydantic import Field

from capotasto.config import Settings, read_yaml
from capotasto.errors import SettingError, UserError, nearest
from capotasto.records import write_text
from capotasto.serve.tenants import Tenant

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MARK = "capo_"  # so that scanners for leaked secrets can find one
_PAUSE = 1.0  # seconds between two looks at whether the file has changed


class Key(Settings):
    """One line of the file."""

    name: str = Field(pattern=f"^{_NAME.pattern}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    adapters: list[str] = Field(["*"])
    admin: bool = False


class Keys:
    """The keys of a file, which is read again when it has changed. Errors: no file, or one that `capo keys add` did not
    write; later such a file changes nothing, and the log says so."""

    def __init__(self, path: Path):
        self._path, self._looked = path, time.monotonic()
        self._state, self._keys = _state(path), listed(path)

    def tenant(self, secret: str) -> Tenant | None:
        """Whose key it is. Every hash is compared, each in constant time, so that time tells nothing."""
        self._look()
        digest, found = _hash(secret), None
        for key in self._keys:
            if hmac.compare_digest(digest, key.hash):
                found = key
        return None if found is None else Tenant(found.name, tuple(found.adapters), found.admin)

    def _look(self) -> None:
        if time.monotonic() - self._looked < _PAUSE:
            return
        self._looked, before, self._state = time.monotonic(), self._state, _state(self._path)
        if self._state != before:
            try:
                self._keys = listed(self._path)
            except UserError as error:
                logging.getLogger(__name__).warning("capo: the keys stay as they were: %s", error)


def add(path: Path, name: str, adapters: Sequence[str], admin: bool = False) -> str:
    """Write a new key's hash into the file; returns the key, which is kept nowhere.

    Errors: a name that is there already or is no plain word.
    """
    if not _NAME.fullmatch(name):
        raise SettingError(f"{name!r} cannot be a key's name; use letters, digits, . _ and -, at most 64")
    with _changing(path) as keys:
        if any(key.name == name for key in keys):
            raise SettingError(f"{path} has a key {name!r} already; take another name, or remove that key first")
        secret = _MARK + secrets.token_urlsafe(32)
        keys.append(Key(name=name, hash=_hash(secret), adapters=list(adapters) or ["*"], admin=admin))
    return secret


def remove(path: Path, name: str) -> None:
    """Take a key away. Errors: there is none of this name."""
    listed(path)  # so that a wrong path is said to be wrong, and no file is made there
    with _changing(path) as keys:
        if all(key.name != name for key in keys):
            raise SettingError(f"{path} has no key {name!r}; {nearest(name, [key.name for key in keys])}")
        keys[:] = [key for key in keys if key.name != name]


def listed(path: Path) -> list[Key]:
    """The keys in a file. Errors: no file, or one that `capo keys add` did not write."""
    lines: Any = read_yaml(path).get("keys")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise SettingError(f"{path} holds no list `keys`; make it with: capo keys add NAME --file {path}")
    keys = [Key.build(line, f"{path}, key {number}") for number, line in enumerate(lines, start=1)]
    names = [key.name for key in keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(f"{path} has the key {twice!r} twice; remove one")
    return keys


@contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys, written back after the block; others who would change them wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        keys = listed(path) if path.exists() else []
        yield keys
        write_text(path, yaml.safe_dump({"keys": [key.model_dump() for key in keys]}, sort_keys=False))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _state(path: Path) -> tuple[int, ...] | None:
    """Another one once the file has changed; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
