"""The records that travel between the parts. No behaviour beyond what follows from their fields."""

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "text"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `learn` marks what the loss is taken on; the role `text` is plain text outside any dialogue."""

    role: Role
    content: str
    learn: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One row of data as a dialogue. `label` is set where the task is to choose among known labels, `number` where a
    column says how difficult it is."""

    turns: tuple[Turn, ...]
    label: str | None = None
    place: str = ""  # "tickets.csv:12", for error messages
    weight: float = 1.0  # how much the row counts in training
    labels: tuple[str, ...] | None = None  # where the task is to find all that fit
    scores: tuple[float, ...] | None = None  # where the task is to tell numbers
    number: float | None = None  # of the column that a curriculum goes by

    @property
    def plain(self) -> bool:
        """True for text without prompt and answer."""
        return self.turns[0].role == "text"

    @property
    def prompt(self) -> str:
        """What stands before the last learnt turn: the contents, joined by blank lines."""
        return "\n\n".join(turn.content for turn in self.turns[:-1])

    @property
    def completion(self) -> str:
        """The last turn, the one to be learnt."""
        return self.turns[-1].content

    def asked(self, parts: int) -> tuple[Turn, ...]:
        """What an answer is asked for by: all before the last turn, or the first of so many parts of a plain text."""
        if not self.plain:
            return self.turns[:-1]
        words = self.completion.split(" ")
        return (Turn("text", " ".join(words[: max(1, len(words) // parts)])),)


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids.

    ids:   list of T token ids
    learn: list of T booleans: the loss is taken on this token
    slot:  the virtual tokens of a prompt stand before ids[slot]
    cut:   tokens removed from the left because the example was too long
    label: the class to be chosen, where a head chooses: −1 is one that the head does not know
    targets: C numbers to be told by a head, in its own scale, or C marks of 0 and 1
    weight: how much the row counts in training
    task:  the task of a mixture that the row belongs to; empty where there is one task only
    continued: what is written to it goes on in its own text, with nothing of a template between them
    """

    ids: tuple[int, ...]
    learn: tuple[bool, ...]
    slot: int = 0
    cut: int = 0
    label: int | None = None
    targets: tuple[float, ...] | None = None
    weight: float = 1.0
    task: str = ""
    continued: bool = False

    @property
    def answers_by_head(self) -> bool:
        """True where a head answers and no token is written."""
        return self.label is not None or self.targets is not None

    @property
    def learnt(self) -> int:
        """How many things the loss is taken on: tokens, one class, or so many numbers or marks."""
        if self.targets is not None:
            return len(self.targets)
        return sum(self.learn) if self.label is None else int(self.label >= 0)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One optimiser step of one job (`kind` "step"), or one look at its held-out rows (`kind` "held_out").

    Before them, "trunk": so many rows (`step` of `steps`) have gone through the layers that no job changes.
    loss: nats per supervised token
    """

    kind: Literal["trunk", "step", "held_out"]
    job: str
    step: int
    steps: int
    epoch: float
    loss: float
    tokens: int = 0  # real tokens in the step, without padding and virtual tokens
    learnt: int = 0  # supervised tokens in the step
    seconds: float = 0.0  # training time of the job so far
    learning_rate: float = 0.0
    gradient_norm: float = 0.0
    extra: dict[str, Any] = field(default_factory=dict)
