"""A file of keys: who may use which adapters. It holds hashes, so that who reads it has no key.

A key is 256 random bits, which nobody can guess; so one round of sha256 is enough, and checking it costs no time that
an attacker could use up. (Slow hashes protect what people make up: passwords. See
https://pages.nist.gov/800-63-3/sp800-63b.html section 5.1.2.2, which asks for them below 112 bits.)
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from capotasto.config import Settings, read_yaml
from capotasto.errors import SettingError
from capotasto.records import write_text
from capotasto.serve.tenants import Tenant

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MARK = "capo_"  # so that scanners for leaked secrets can find one


class Key(Settings):
    """One line of the file."""

    name: str = Field(pattern=f"^{_NAME.pattern}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")
    adapters: list[str] = Field(["*"])
    admin: bool = False


class Keys:
    """The keys of a file. Errors: no file, or one that `capo keys add` did not write."""

    def __init__(self, path: Path):
        self._keys = _read(path)

    def tenant(self, secret: str) -> Tenant | None:
        """Whose key it is. Every hash is compared, each in constant time, so that time tells nothing."""
        digest, found = _hash(secret), None
        for key in self._keys:
            if hmac.compare_digest(digest, key.hash):
                found = key
        return None if found is None else Tenant(found.name, tuple(found.adapters), found.admin)


def add(path: Path, name: str, adapters: Sequence[str], admin: bool = False) -> str:
    """Write a new key's hash into the file; returns the key, which is kept nowhere.

    Errors: a name that is there already or is no plain word.
    """
    keys = _read(path) if path.exists() else []
    if not _NAME.fullmatch(name):
        raise SettingError(f"{name!r} cannot be a key's name; use letters, digits, . _ and -, at most 64")
    if any(key.name == name for key in keys):
        raise SettingError(f"{path} has a key {name!r} already; take another name, or remove its lines first")
    secret = _MARK + secrets.token_urlsafe(32)
    keys.append(Key(name=name, hash=_hash(secret), adapters=list(adapters) or ["*"], admin=admin))
    write_text(path, yaml.safe_dump({"keys": [key.model_dump() for key in keys]}, sort_keys=False))
    return secret


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> list[Key]:
    lines: Any = read_yaml(path).get("keys")
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise SettingError(f"{path} holds no list `keys`; make it with: capo keys add NAME --file {path}")
    keys = [Key.build(line, f"{path}, key {number}") for number, line in enumerate(lines, start=1)]
    names = [key.name for key in keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(f"{path} has the key {twice!r} twice; remove one")
    return keys
