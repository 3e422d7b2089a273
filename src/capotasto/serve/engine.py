"""An engine in this process: one thread that lets rows join, write and leave."""

import itertools
import threading
import warnings
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from typing import Any

from capotasto.base.reason import reason
from capotasto.decoding.cache import bytes_of
from capotasto.decoding.room import check_room
from capotasto.decoding.row import Row
from capotasto.decoding.text import Text
from capotasto.errors import DataError
from capotasto.packed import packed
from capotasto.serve.asks import Ask, Busy, EngineState, Piece, T, Ticket
from capotasto.serve.constraint import Constraints, GrammarConstraint
from capotasto.serve.engine_settings import EngineSettings
from capotasto.serve.scheduler import Scheduler
from capotasto.serve.waiting import Waiting
from capotasto.serve.writing import Writing
from capotasto.session import Base

MIB = 2**20
CLOSED = "the engine is closed and does nothing more; start another"
LAST_SECONDS = 5.0


class LocalEngine:
    """Writes on a base in this process; see `Engine`.

    The base is the engine's own as long as it lives: whatever else runs on it goes through `call`. Adapters must not
    learn meanwhile.
    """

    def __init__(self, base: Base, settings: EngineSettings):
        self._base, self._settings = base, settings
        self._ends = base.renderer().stops
        self._limit = int(settings.kv_gb * 2**30)
        self._numbers = itertools.count()
        self._change = threading.Condition()  # guards what threads share: the three below and the flags
        self._waiting: Waiting[Writing] = Waiting()
        self._cancelled: deque[Writing] = deque()
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._closing = self._aborting = self._closed = False
        self._constraints: Constraints | None = None
        self._constraints_lock = threading.Lock()
        self._scheduler = Scheduler(base, settings)
        self._thread = threading.Thread(target=self._run, name="capotasto engine", daemon=True)
        self._thread.start()

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        """See `Engine`."""
        row = Row(ask.prompt, ask.adapter, ask.settings, self._ends, ask.logprobs, self._constraint(ask))
        check_room(self._base, row, "the prompt")
        if (size := bytes_of(self._base, 1, row.need, row.adapter)) > self._limit:
            raise DataError(
                f"the prompt with {ask.settings.max_new_tokens} new tokens takes {size / MIB:.1f} MiB of keys and"
                f" values, and there are {self._limit / MIB:.1f}; shorten it, lower max_new_tokens or raise --kv-gb"
            )
        writing = Writing(next(self._numbers), row, Text.of(self._base.tokenizer, row, ask.stop), hear)
        with self._change:
            if self._closing:
                raise Busy("the engine is closing and takes nothing more; ask another")
            free = max(0, self._settings.max_rows - self._scheduler.running)
            if len(self._waiting) >= self._settings.max_waiting + free:
                raise Busy(f"{len(self._waiting)} asks are waiting already; ask again later")
            self._waiting.add(writing)
            self._change.notify()
        return writing

    def cancel(self, ticket: Ticket) -> None:
        """See `Engine`."""
        assert isinstance(ticket, Writing)
        with self._change:
            self._cancelled.append(ticket)
            self._change.notify()

    def call(self, work: Callable[[], T]) -> "Future[T]":
        """See `Engine`. Its future fails with `Busy` once the engine is closed."""
        future: Future[T] = Future()
        with self._change:
            if self._closed:
                future.set_exception(Busy(CLOSED))
            else:
                self._calls.append((work, future))
                self._change.notify()
        return future

    def state(self) -> EngineState:
        """See `Engine`."""
        with self._change:
            scheduler = self._scheduler
            return EngineState(
                waiting=len(self._waiting),
                running=scheduler.running,
                queued_tokens=sum(len(writing.row.prompt.ids) for writing in self._waiting),
                kv_bytes_reserved=scheduler.reserved,
                kv_bytes_limit=self._limit,
                steps=scheduler.steps,
                tokens_written=scheduler.tokens_written,
                prompt_tokens=scheduler.prompt_tokens,
                prompt_cache_bytes=scheduler.prompts.bytes,
                last_batch=scheduler.last_batch,
                alive=self._thread.is_alive(),
            )

    def close(self, drain_seconds: float) -> None:
        """See `Engine`. What cannot be broken off, a step or a call, is waited for `LAST_SECONDS` at most."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join(drain_seconds)
        with self._change:
            self._aborting = True
            self._change.notify()
        self._thread.join(LAST_SECONDS)

    def _constraint(self, ask: Ask) -> GrammarConstraint | None:
        if ask.schema is None and ask.pattern is None:
            return None
        if ask.settings.ignore_end:
            raise DataError("an answer that follows a schema or a pattern has an end; leave out ignore_end")
        with self._constraints_lock:
            if self._constraints is None:
                self._constraints = Constraints(self._base, self._ends)
            return self._constraints.of(ask.schema, ask.pattern)

    def _run(self) -> None:
        try:
            with ExitStack() as while_open:
                self._pack(while_open)
                while self._wait():
                    try:
                        self._round()
                    except Exception as error:  # what no row alone is to blame for ends all, and the engine goes on
                        self._scheduler.clear("error", f"the engine failed: {reason(error)}")
        finally:
            self._end()

    def _pack(self, while_open: ExitStack) -> None:
        try:
            while_open.enter_context(packed(self._base.model))
        except Exception as error:
            warnings.warn(f"the weights stay as they are, and writing is slower ({reason(error)})", stacklevel=2)

    def _end(self) -> None:
        """Whoever still waits hears that nothing more will come; nobody does where the engine had time to finish."""
        with self._change:
            finish, error = ("cancelled", "") if self._aborting else ("error", "the engine has stopped; start another")
            self._closing = self._closed = True
            calls, waiting = list(self._calls), list(self._waiting)
            self._calls.clear()
            for writing in waiting:
                self._waiting.remove(writing)
        for _, future in calls:
            if future.set_running_or_notify_cancel():
                future.set_exception(Busy(CLOSED))
        for writing in waiting:
            writing.end(finish, error)
        self._scheduler.clear(finish, error)

    def _round(self) -> None:
        """Everything between two steps, and a step."""
        self._drop()
        self._do_calls()
        self._admit()
        self._scheduler.advance()

    def _wait(self) -> bool:
        """Until there is something to do; False once it is closed and everything is done, or nothing more shall be."""
        with self._change:
            self._change.wait_for(self._anything)
            busy = self._calls or self._waiting or self._scheduler.running
            return not self._aborting and (bool(busy) or not self._closing)

    def _anything(self) -> bool:
        return bool(self._calls or self._cancelled or self._waiting or self._scheduler.running or self._closing)

    def _do_calls(self) -> None:
        """One of them beside rows that write, else all that wait by now: who calls again and again holds up nobody."""
        for _ in range(min(1, len(self._calls)) if self._scheduler.running else len(self._calls)):
            if self._aborting:
                return
            work, future = self._calls.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

    def _drop(self) -> None:
        """Those whose answers are no longer wanted."""
        with self._change:
            dropped = [one for one in self._cancelled if one in self._waiting]
            running = list(self._cancelled)
            self._cancelled.clear()
            for writing in dropped:
                self._waiting.remove(writing)
        for writing in dropped:
            writing.end("cancelled")
        for writing in running:
            self._scheduler.cancel(writing)

    def _admit(self) -> None:
        """As many as there is room for."""
        while self._scheduler.running < self._settings.max_rows:
            with self._change:
                writing = self._waiting.next(partial(self._scheduler.fits, limit=self._limit))
                if writing is None:
                    return
                self._scheduler.add(writing)
