"""What a probe is: where its items come from, how they are put to a model, and what is counted of the answers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capotasto.auditing.run_rows import RunRows
from capotasto.errors import DataError
from capotasto.methods.adapter import Adapter
from capotasto.session import Base


class AbsentError(DataError):
    """What a probe needs is not there; it is skipped, and the text says why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may continue a context. `mark` says in a word or two what it is: "right", "stereotype", …"""

    context: str
    text: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked. `groups` are the categories it counts in, besides the whole."""

    candidates: tuple[Candidate, ...]
    groups: tuple[str, ...] = ()

    @property
    def marks(self) -> list[str]:
        """What each candidate is."""
        return [one.mark for one in self.candidates]


@dataclass(frozen=True)
class Tally:
    """What each of N items adds to a metric: the metric is the sum of `top` over the sum of `bottom`.

    top, bottom: [N]
    """

    top: np.ndarray
    bottom: np.ndarray

    @classmethod
    def mean(cls, values: Sequence[float]) -> "Tally":
        """Every item counts the same."""
        return cls(np.asarray(values, dtype=np.float64), np.ones(len(values)))

    def of(self, places: Sequence[int]) -> "Tally":
        """That of some of the items."""
        return Tally(self.top[places], self.bottom[places])


@dataclass(frozen=True, kw_only=True)
class Probe(ABC):
    """What is looked at. Its name is that in the table `PROBES`.

    skill: what it tells about: forgetting, bias, truthfulness, …
    title: its name for people
    """

    skill: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Comparison(Probe):
    """Questions from files, the same to base and adapter.

    patterns: its files in the folder of probes; the first pattern that is found there counts
    metrics:  what it counts, the most telling first
    """

    patterns: tuple[str, ...]
    metrics: tuple[str, ...]

    def files(self, folder: Path) -> list[Path]:
        """What it reads. Errors: `AbsentError`."""
        for pattern in self.patterns:
            if found := sorted(folder.glob(pattern)):
                return found
        raise AbsentError(f"no {' and no '.join(self.patterns)} in {folder}")

    @abstractmethod
    def items(self, folder: Path, rows: int) -> list[Item]:
        """At most `rows` items, spread evenly over the files. Errors: `AbsentError`; a row that cannot be used."""

    @abstractmethod
    def ask(self, base: Base, items: Sequence[Item], contenders: Sequence[Adapter | None]) -> list[list[Any]]:
        """Contender by contender the answer to each item, in mixed batches; the first contender is the bare base."""

    @abstractmethod
    def tallies(self, items: Sequence[Item], answers: Sequence[Any]) -> dict[str, Tally]:
        """Each metric of one contender's answers."""


@dataclass(frozen=True, kw_only=True)
class Finding(Probe):
    """Something that is looked for in one adapter with the help of the run that made it."""

    @abstractmethod
    def find(self, base: Base, adapter: Adapter, run: Path | RunRows) -> dict[str, Any]:
        """The record, for JSON: numbers and `{value, low, high}` in any depth, and `flagged`, true where something was
        found. run: its folder, or its rows. Errors: `AbsentError`, what it needs is not there."""
