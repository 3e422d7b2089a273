"""What a server asks of an engine, and what it hears back."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from capotasto.decode import GenerateSettings
from capotasto.errors import UserError
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded

T = TypeVar("T")


class Busy(UserError):  # noqa: N818 (what it says to a client: come again)
    """The queue is full; nothing is wrong with the ask."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One row to be written.

    prompt:   token ids; `slot` says where the adapter's virtual tokens stand
    adapter:  None is the bare base
    settings: how it is written
    stop:     texts that end it and are not part of the answer
    logprobs: None, or of so many likeliest tokens at each place besides the chosen one's (0: only the chosen)
    schema:   a JSON schema, or pattern: a regular expression, that the answer must follow
    """

    prompt: Encoded
    adapter: Adapter | None
    settings: GenerateSettings
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    schema: str | None = None
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What is new in an answer after a step. text may be empty while a character or a stop text is incomplete.

    token:   its id, or None where the piece only ends the answer
    top:     (token id, logprob), likeliest first
    finish:  "" while it goes on; "stop", "length", "cancelled" or "error"
    error:   one line, where finish is "error"
    """

    text: str
    token: int | None = None
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    finish: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an ask is known by once it is accepted."""

    number: int


@dataclass(frozen=True, slots=True)
class EngineState:
    """What an engine is doing. Totals are since its start; bytes and steps of machines it does not own are 0."""

    waiting: int
    running: int
    queued_tokens: int
    kv_bytes_reserved: int
    kv_bytes_limit: int
    steps: int
    tokens_written: int
    prompt_tokens: int
    prompt_cache_bytes: int
    last_batch: int
    alive: bool


class Engine(Protocol):
    """What writes answers: rows in this process, or servers elsewhere."""

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        """Accept an ask; thread-safe, returns at once. `hear` is called in the engine's thread, the last time with a
        `finish`.

        Errors: Busy (the queue is full), DataError (it can never fit: says the numbers).
        """
        ...

    def cancel(self, ticket: Ticket) -> None:
        """End an answer; its place is free before the next step."""
        ...

    def call(self, work: Callable[[], T]) -> Future[T]:
        """Do `work` between two steps in the engine's thread: scoring, classifying, loading."""
        ...

    def state(self) -> EngineState:
        """What it is doing now."""
        ...

    def close(self, drain_seconds: float) -> None:
        """Finish what runs for so long, then cancel the rest."""
        ...
