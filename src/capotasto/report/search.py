"""What is known of a search: the fields of `search.json`, checked once, so that its page needs no further checks."""

from pathlib import Path
from typing import Any

from pydantic import Field, FiniteFloat

from capotasto.report import format
from capotasto.report.reading import read_record
from capotasto.report.run import BaseModelUsed, Data, Part


class Span(Part):
    """When a trial learned up to a rung, in seconds since the search began."""

    began: FiniteFloat = 0.0
    ended: FiniteFloat = 0.0


class Trial(Part):
    """One try of settings; losses in nats per supervised token."""

    name: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    state: str = ""
    loss: FiniteFloat | None = None
    step: int = 0
    steps: int = 1
    seconds: FiniteFloat = 0.0
    ended: str = ""
    rungs: list[Span] = Field(default_factory=list)
    looks: list[tuple[int, FiniteFloat | None]] = Field(default_factory=list)

    @property
    def known_looks(self) -> list[tuple[int, float]]:
        """The looks whose loss is a number."""
        return [(step, loss) for step, loss in self.looks if loss is not None]

    @property
    def reach(self) -> float:
        """The share of its full length that it learned."""
        return self.step / max(1, self.steps)

    @property
    def words(self) -> str:
        """What it is, in a line."""
        settings = ", ".join(f"{name} {format.short(value)}" for name, value in self.settings.items())
        loss = "no loss" if self.loss is None else f"loss {format.number(self.loss)}"
        return f"{self.name}: {settings}; {loss}, {100 * self.reach:.0f} % learned, {self.state}"


class HeldOut(Part):
    """How much was looked at the validation rows."""

    rows: int = 0
    looks: int = 0
    tokens: int = 0
    optimism: str = ""


class Winner(Part):
    """The best trial."""

    trial: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    validation_loss: FiniteFloat | None = None
    test_loss: FiniteFloat | None = None


class Search(Part):
    """Everything in `search.json`."""

    name: str = ""
    method: str = ""
    base: BaseModelUsed = BaseModelUsed()
    data: Data = Data()
    rows: dict[str, int] = Field(default_factory=dict)
    space: dict[str, dict[str, Any]] = Field(default_factory=dict)
    rungs: list[dict[str, float]] = Field(default_factory=list)
    seconds: FiniteFloat = 0.0
    stopped: str = ""
    held_out: HeldOut = HeldOut()
    winner: Winner = Winner()
    trials: list[Trial] = Field(default_factory=list)


def read_search(folder: Path) -> Search:
    """The search in `folder`. UserError names the file and the field that cannot be used."""
    return read_record(Search, folder / "search.json", "a search", "search again")
