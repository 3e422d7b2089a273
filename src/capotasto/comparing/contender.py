"""A contender: one way to make the base do the task. All of them answer through one evaluation (`answering`)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from capotasto.methods.adapter import Adapter
from capotasto.types import Example

if TYPE_CHECKING:
    from capotasto.comparing.contest import Contest

Kind = Literal["prompting", "retrieval", "training", "ensemble"]
Frame = Callable[[Example], Example]  # a row with more before its answer: examples, an instruction, passages


@dataclass(frozen=True)
class Ready:
    """A contender that can answer.

    frame:    what it does to a row before it is asked; None: nothing
    adapters: what the rows carry, None for the bare base; several, without heads: the mean of their chances
    offsets:  [C] added to the log-probabilities of the labels, of the bare base alone; None: nothing
    settings: what was chosen for it, for people
    training: seconds of it; all other time of making it was spent on choosing
    before:   seconds that others took for what it is made of
    bytes:    what has to be kept for this task
    """

    frame: Frame | None = None
    adapters: tuple[Adapter | None, ...] = (None,)
    offsets: tuple[float, ...] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    training: float = 0.0
    before: float = 0.0
    bytes: int = 0


class Contender(ABC):
    """What each family fills in.

    how:    one sentence for people
    method: what is trained, as in `capo methods`; None where nothing is
    passes: how often it reads a row in order to answer it
    learns: it trains, and gets as many seconds for it as every other that does
    """

    kind: Kind
    how: str
    method: str | None = None
    passes: int = 1
    learns: bool = False

    def unfit(self, contest: "Contest") -> str:
        """Why it cannot take part; empty if it can."""
        return ""

    def stale(self, contest: "Contest", settings: dict[str, Any]) -> bool:
        """True if it was made from other things than there are now. settings: what was chosen for it then."""
        return False

    def added(self, contest: "Contest") -> float:
        """Tokens that are read for a row beyond its question, for the timetable."""
        return 0.0

    @abstractmethod
    def make(self, contest: "Contest", folder: Path, seconds: float) -> Ready:
        """Make it ready, in about so many seconds. It may keep files in `folder`. Errors: it cannot be made."""
