"""Who asks, and what they may see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_VERSION = re.compile("([@:])")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One key's owner.

    patterns: of adapters' names (`support-*`), which fit all versions and tags of a name, or with a version or tag
              (`support-*:live`), which fit that alone
    admin:    may load and unload adapters that fit the patterns, and read the metrics
    """

    name: str
    patterns: tuple[str, ...] = ("*",)
    admin: bool = False

    def may(self, adapter: str) -> bool:
        """True where the adapter is theirs to see and call. (The bare base is everyone's.)"""
        return any(_fits(adapter, pattern) for pattern in self.patterns)

    def seen(self, adapters: Iterable[str]) -> list[str]:
        """Those of these names that are theirs to see."""
        return [name for name in adapters if self.may(name)]


def _fits(adapter: str, pattern: str) -> bool:
    """Part by part: the letters of a tag are not a name's, or who may set tags could make an adapter another's."""
    own, wanted = _VERSION.split(adapter, maxsplit=1), _VERSION.split(pattern, maxsplit=1)
    return len(own) >= len(wanted) and all(fnmatchcase(one, other) for one, other in zip(own, wanted, strict=False))
