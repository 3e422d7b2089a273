"""Tables from names a user may write to the objects that do the work."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import entry_points

from capotasto.errors import SettingError, nearest


class Table(Mapping[str, object]):
    """Name → `"module:attribute"`, imported on first use.

    Third parties add names through the entry-point group `capotasto.<kind>`, with no change here.
    """

    def __init__(self, kind: str, places: dict[str, str]):
        self.kind = kind
        self._places = dict(places)
        for point in entry_points(group=f"capotasto.{kind}"):
            self._places.setdefault(point.name, point.value)

    def __getitem__(self, name: str) -> object:
        if name not in self._places:
            raise SettingError(f"unknown {self.kind} {name!r}; {nearest(name, self._places)}")
        module, attribute = self._places[name].split(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
