"""Who asks, and what they may see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_VERSION = re.compile("[@:]")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One key's owner.

    patterns: of adapters' names (`support-*`); a pattern that fits a name fits all its versions and tags
    admin:    may load and unload adapters that fit the patterns, and read the metrics
    """

    name: str
    patterns: tuple[str, ...] = ("*",)
    admin: bool = False

    def may(self, adapter: str) -> bool:
        """True where the adapter is theirs to see and call. (The bare base is everyone's.)"""
        bare = _VERSION.split(adapter, 1)[0]
        return any(fnmatchcase(adapter, pattern) or fnmatchcase(bare, pattern) for pattern in self.patterns)

    def seen(self, adapters: Iterable[str]) -> list[str]:
        """Those of these names that are theirs to see."""
        return [name for name in adapters if self.may(name)]
