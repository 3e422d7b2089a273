"""Who is next: first come, first served, as far as there is room."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

One = TypeVar("One")
PASSED = 16  # so many may pass one that waits for memory; then none does, until there is room for it


@dataclass(slots=True)
class _Place(Generic[One]):
    one: One
    passed: int = 0


class Waiting(Generic[One]):
    """Those that wait, in the order they came.

    One that is too large for the room there is lets smaller ones pass, but not for ever.
    """

    def __init__(self) -> None:
        self._places: list[_Place[One]] = []

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[One]:
        return (place.one for place in self._places)

    def add(self, one: One) -> None:
        """At the end."""
        self._places.append(_Place(one))

    def remove(self, one: One) -> bool:
        """Whether it was there."""
        before = len(self._places)
        self._places = [place for place in self._places if place.one is not one]
        return len(self._places) < before

    def next(self, fits: Callable[[One], bool]) -> One | None:
        """The first that fits, no longer waiting; None if there is none, or one has let enough pass."""
        for i, place in enumerate(self._places):
            if fits(place.one):
                for before in self._places[:i]:
                    before.passed += 1
                return self._places.pop(i).one
            if place.passed >= PASSED:
                return None
        return None
