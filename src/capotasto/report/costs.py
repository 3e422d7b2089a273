"""The costs of a contender: how each is called, written and drawn."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from capotasto.report import format
from capotasto.report.compare import Costs


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost as a reader meets it. short: in print below an axis; full: in a table; plotted: not in the table alone."""

    name: str
    title: str
    short: Callable[[float], str]
    full: Callable[[float], str]
    more_is_better: bool = False
    plotted: bool = True

    def of(self, costs: Costs) -> float | None:
        """What a contender costs; None where it was not measured."""
        found: float | None = getattr(costs, self.name)
        return found

    def shown(self, costs: Costs) -> str:
        """The same in print."""
        found = self.of(costs)
        return format.MISSING if found is None else self.full(found) if found else "0"


def _unit(unit: str) -> Callable[[float], str]:
    return lambda value: f"{value:,g}{format.SPACE}{unit}"


def _measured(unit: str) -> Callable[[float], str]:
    return lambda value: f"{format.number(value)}{format.SPACE}{unit}"


def _size(value: float) -> str:
    return re.sub(r"\.0+(?=\s)", "", format.size(value))


COSTS = (
    Cost("train_seconds", "Training", _unit("s"), format.seconds),
    Cost("search_seconds", "Choosing settings", _unit("s"), format.seconds, plotted=False),
    Cost("peak_memory_mb", "Peak memory", lambda mb: _size(1e6 * mb), lambda mb: format.size(1e6 * mb)),
    Cost("bytes", "On disk for each task", _size, format.size),
    Cost("added_tokens", "Tokens added to a request", "{:,g}".format, lambda tokens: format.count(round(tokens))),
    Cost("latency_ms", "One request alone", _unit("ms"), _measured("ms")),
    Cost("tokens_per_second", "Tokens a second in batches", "{:,g}".format, format.number, more_is_better=True),
)
