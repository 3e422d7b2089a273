"""A thread that writes one row after another."""

import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import torch

from capotasto import forward
from capotasto.decode import stream
from capotasto.errors import DataError
from capotasto.serve.asks import Ask, Busy, EngineState, Piece, T, Ticket
from capotasto.serve.engine_settings import EngineSettings
from capotasto.session import Base
from capotasto.types import Encoded


@dataclass(eq=False, slots=True)
class _Row(Ticket):
    """A row with who hears of it."""

    ask: Ask
    hear: Callable[[Piece], None]
    cancelled: threading.Event = field(default_factory=threading.Event)


class LocalEngine:
    """Writes on a base in this process; see `Engine`."""

    def __init__(self, base: Base, settings: EngineSettings):
        self.base, self.settings = base, settings
        self._rows: queue.SimpleQueue[_Row] = queue.SimpleQueue()
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._wake = threading.Semaphore(0)
        self._numbers = itertools.count()
        self._running: _Row | None = None
        self._steps = self._prompt_tokens = 0
        self._closing = threading.Event()
        self._stops = base.renderer().stops
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        """See `Engine`."""
        wanted = len(ask.prompt.ids) + (ask.adapter.tokens if ask.adapter else 0) + ask.settings.max_new_tokens
        if self.base.context is not None and wanted > self.base.context:
            raise DataError(f"the row would take {wanted} tokens, and the context has {self.base.context}; shorten it")
        if ask.schema or ask.pattern:
            raise DataError("this engine cannot hold an answer to a schema or a pattern; leave it out")
        if self._closing.is_set() or self._rows.qsize() >= self.settings.max_waiting:
            raise Busy("the engine's queue is full; ask again in a moment")
        row = _Row(next(self._numbers), ask, hear)
        self._rows.put(row)
        self._wake.release()
        return row

    def cancel(self, ticket: Ticket) -> None:
        """See `Engine`."""
        assert isinstance(ticket, _Row)
        ticket.cancelled.set()

    def call(self, work: Callable[[], T]) -> Future[T]:
        """See `Engine`."""
        future: Future[T] = Future()
        self._calls.put((work, future))
        self._wake.release()
        return future

    def state(self) -> EngineState:
        """See `Engine`."""
        return EngineState(
            waiting=self._rows.qsize(),
            running=int(self._running is not None),
            steps=self._steps,
            tokens_written=self._steps,
            prompt_tokens=self._prompt_tokens,
            last_batch=1,
            alive=self._thread.is_alive(),
        )

    def close(self, drain_seconds: float) -> None:
        """See `Engine`."""
        self._closing.set()
        self._wake.release()
        self._thread.join(drain_seconds)
        if (row := self._running) is not None:
            row.cancelled.set()
        while not self._rows.empty():
            self._rows.get().hear(Piece("", finish="cancelled"))

    def _work(self) -> None:
        while not (self._closing.is_set() and self._rows.empty()):
            self._wake.acquire()
            self._answer_calls()
            if not self._rows.empty():
                self._running = self._rows.get()
                self._write(self._running)
                self._running = None

    def _answer_calls(self) -> None:
        while not self._calls.empty():
            work, future = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

    def _write(self, row: _Row) -> None:
        try:
            for piece in self._pieces(row):
                row.hear(piece)
        except Exception as error:
            row.hear(Piece("", finish="error", error=f"{type(error).__name__}: {error}"))

    def _pieces(self, row: _Row) -> Any:
        """The pieces of a row, the last with a finish."""
        ask, given = row.ask, ""
        written: list[int] = []
        ends = () if ask.settings.ignore_end else self._stops
        self._prompt_tokens += len(ask.prompt.ids)
        for step in stream(self.base, [ask.prompt], [ask.adapter], ask.settings, self._stops):
            self._steps += 1
            self._answer_calls()
            if row.cancelled.is_set():
                yield Piece("", finish="cancelled")
                return
            token = step[0]
            chances = self._chances(ask, written, token)
            written += [] if token in ends else [token]
            finish = "stop" if token in ends else "length" if len(written) == ask.settings.max_new_tokens else ""
            text = str(self.base.tokenizer.decode(written, skip_special_tokens=not ask.settings.ignore_end))
            whole, stopped = _until(text, ask.stop, bool(finish))
            logprob, top = chances
            yield Piece(whole[len(given) :], token, logprob, top, "stop" if stopped else finish)
            given = whole
            if stopped or finish:
                return

    @torch.no_grad()
    def _chances(
        self, ask: Ask, written: Sequence[int], token: int
    ) -> tuple[float | None, tuple[tuple[int, float], ...]]:
        """The token's logprob and the likeliest ones', by the whole row once more."""
        if ask.logprobs is None:
            return None, ()
        ids = (*ask.prompt.ids, *written)
        hidden = forward.run(self.base, [Encoded(ids, (False,) * len(ids), ask.prompt.slot)], [ask.adapter])
        chances = forward.logits(self.base, hidden.states[hidden.last()], [ask.adapter])[0].log_softmax(-1)
        best = chances.topk(ask.logprobs)
        return float(chances[token]), tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def _until(text: str, stop: Sequence[str], last: bool) -> tuple[str, bool]:
    """What of the text may be given out, and whether a stop text was met."""
    found = [text.index(one) for one in stop if one in text]
    if found:
        return text[: min(found)], True
    if last:
        return text, False
    text = text.rstrip("\ufffd")
    held = max((n for one in stop for n in range(1, len(one)) if text.endswith(one[:n])), default=0)
    return text[: len(text) - held], False
