"""The rows that an engine writes for one request, heard in the server's own thread."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence

from capotasto.serve.asks import Ask, Engine, Piece, Ticket
from capotasto.serve.faults import RefusedError


class Rows:
    """Row i is `asks[i]`. Whoever starts them closes them, come what may."""

    def __init__(self, engine: Engine, asks: Sequence[Ask], at_end: Callable[["Rows"], None]):
        """at_end: told once, when they are closed"""
        self.asks = asks
        self.written = [0] * len(asks)  # tokens
        self.first_token: float | None = None  # when it was heard, by the monotonic clock
        self._engine, self._at_end = engine, at_end
        self._tickets: dict[int, Ticket] = {}  # of rows that are not finished
        self._heard: asyncio.Queue[tuple[int, Piece]] = asyncio.Queue()
        self._closed = False

    async def start(self) -> None:
        """Hand all rows to the engine. Errors: it does not take them; then none is left with it."""
        loop = asyncio.get_running_loop()
        try:
            if any(ask.schema or ask.pattern for ask in self.asks):  # these take time to be made ready
                work = asyncio.ensure_future(asyncio.to_thread(self._submit, loop))
                await asyncio.wait([work])
                work.result()
            else:
                self._submit(loop)
        except asyncio.CancelledError:
            work.add_done_callback(lambda _: self.close())
            raise
        except BaseException:
            self.close()
            raise

    def _submit(self, loop: asyncio.AbstractEventLoop) -> None:
        for i, ask in enumerate(self.asks):
            self._tickets[i] = self._engine.submit(ask, self._hearer(loop, i))

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """(row, piece) as they come, until every row has ended. Errors: a row could not be written to its end."""
        while self._tickets:
            row, piece = await self._heard.get()
            if piece.token is not None:
                self.written[row] += 1
                self.first_token = self.first_token or time.monotonic()
            if piece.finish:
                del self._tickets[row]
            if piece.finish == "error":
                status = 400 if piece.refused else 500
                raise RefusedError(f"the answer could not be written: {piece.error}", status, "generation_failed")
            if piece.finish == "cancelled":
                raise RefusedError(
                    "the server is shutting down; ask again in a moment", 503, "shutting_down", retry_after=5
                )
            yield row, piece

    def close(self) -> None:
        """Cancel what is not finished."""
        if not self._closed:
            self._closed = True
            for ticket in self._tickets.values():
                self._engine.cancel(ticket)
            self._at_end(self)

    def _hearer(self, loop: asyncio.AbstractEventLoop, row: int) -> Callable[[Piece], None]:
        def hear(piece: Piece) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._heard.put_nowait, (row, piece))

        return hear
