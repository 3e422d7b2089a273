"""Engines for tests that are about the server alone."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from capotasto.serve.asks import Ask, EngineState, Piece, Ticket


class Recorder:
    """Remembers what it is asked, and answers every row with the same pieces."""

    def __init__(self, *pieces: Piece):
        self.pieces = pieces or (Piece("ok", 5), Piece("", None, finish="stop"))
        self.asks: list[Ask] = []
        self._numbers = itertools.count()
        self._calls = ThreadPoolExecutor(1)

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        self.asks.append(ask)
        for piece in self.pieces:
            hear(piece)
        return Ticket(next(self._numbers))

    def cancel(self, ticket: Ticket) -> None:
        pass

    def call(self, work: Callable[[], Any]) -> Future[Any]:
        return self._calls.submit(work)

    def state(self) -> EngineState:
        return EngineState()

    def close(self, drain_seconds: float) -> None:
        self._calls.shutdown()


class Patient(Recorder):
    """Keeps every row until it is told to go on; remembers who was cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, Callable[[Piece], None]] = {}
        self.cancelled: list[int] = []
        self.changed = threading.Condition()

    def submit(self, ask: Ask, hear: Callable[[Piece], None]) -> Ticket:
        with self.changed:
            ticket = Ticket(next(self._numbers))
            self.asks.append(ask)
            self.rows[ticket.number] = hear
            self.changed.notify_all()
        return ticket

    def cancel(self, ticket: Ticket) -> None:
        with self.changed:
            self.cancelled.append(ticket.number)
            hear = self.rows.pop(ticket.number, None)
            self.changed.notify_all()
        if hear is not None:
            hear(Piece("", finish="cancelled"))

    def finish(self) -> None:
        """Answer all that wait."""
        with self.changed:
            rows, self.rows = self.rows, {}
        for hear in rows.values():
            for piece in self.pieces:
                hear(piece)

    def wait(self, met: Callable[["Patient"], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: met(self), 20)

    def close(self, drain_seconds: float) -> None:
        for number in list(self.rows):
            self.cancel(Ticket(number))
        super().close(drain_seconds)
