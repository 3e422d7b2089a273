"""What a server asks of an engine, and what it hears back."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol, TypeVar

from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import UserError
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded

T = TypeVar("T")


class Busy(UserError):  # noqa: N818  (the word of the protocol)
    """The engine's queue is full; later there may be room."""


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
    """What is new in an answer after a step. `text` may be empty while a character or a stop text is incomplete.

    token:   its id, or None where the piece only ends the answer
    logprob: of the token, where it was asked for
    top:     (token id, logprob), likeliest first
    finish:  "" while it goes on; "stop", "length", "cancelled" or "error"
    error:   one line, where finish is "error"
    refused: the ask is to blame for it, and would fail again
    """

    text: str
    token: int | None = None
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    finish: str = ""
    error: str = ""
    refused: bool = False


@dataclass(eq=False, slots=True)
class Ticket:
    """Stands for a row that was submitted, so that it can be cancelled.

    number: counted up by its engine
    """

    number: int


@dataclass(frozen=True, slots=True)
class EngineState:
    """What an engine is doing.

    waiting, running: rows
    queued_tokens:    prompt and new tokens of the rows that wait
    last_batch:       rows of the last step
    """

    waiting: int = 0
    running: int = 0
    queued_tokens: int = 0
    kv_bytes_reserved: int = 0
    kv_bytes_limit: int = 0
    steps: int = 0
    tokens_written: int = 0
    prompt_tokens: int = 0
    prompt_cache_bytes: int = 0
    last_batch: int = 0
    alive: bool = True


class Engine(Protocol):
    """Writes rows. Everything may be called from any thread."""

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        """Take a row; returns at once. `hear` is called in the engine's thread, the last time with a `finish`.

        Errors: `Busy` where the queue is full; `DataError` with the numbers where it can never fit.
        """
        ...

    def cancel(self, ticket: Ticket) -> None:
        """Free the row's place before the next step."""
        ...

    def call(self, work: Callable[[], T]) -> "Future[T]":
        """Run `work` between two steps in the engine's thread (scoring, classifying, loading)."""
        ...

    def state(self) -> EngineState:
        """What it is doing now."""
        ...

    def close(self, drain_seconds: float) -> None:
        """Finish what runs for so long, then cancel the rest."""
        ...
