"""An ask on its way through an engine: its row, its text so far, and who hears of it."""

from collections.abc import Callable
from contextlib import suppress

from capotasto.base.reason import reason
from capotasto.decoding.row import Row
from capotasto.decoding.sampling import Choice
from capotasto.decoding.text import Text
from capotasto.serve.asks import Piece, Ticket


class Writing(Ticket):
    """The engine's side of a ticket.

    cancelled: its answer is no longer wanted
    """

    __slots__ = ("_hear", "_text", "cancelled", "row")

    def __init__(self, number: int, row: Row, text: Text, hear: Callable[[Piece], None]):
        super().__init__(number)
        self.row, self._text, self._hear = row, text, hear
        self.cancelled = False

    def take(self, choice: Choice) -> bool:
        """Tell what is new. False once the answer is at its end, or nobody listens any more."""
        if choice.error:
            return self.end("error", choice.error)
        try:
            new, finish = self._new(choice.token)
        except Exception as error:
            return self.end("error", f"its tokens cannot be read as text: {reason(error)}")
        return self._tell(Piece(new, choice.token, choice.logprob, choice.top, finish)) and not finish

    def end(self, finish: str, error: str = "") -> bool:
        """Tell that nothing more will come."""
        rest = ""
        with suppress(Exception):  # what was held back may be what cannot be read
            rest = self._text.end()
        self._tell(Piece(rest, finish=finish, error=error))
        return False

    def _new(self, token: int) -> tuple[str, str]:
        """The text that comes with a token, and how the answer ends with it, if it does."""
        new = "" if token in self.row.ends else self._text.add(token)
        finish = "stop" if self._text.stopped else self.row.finish
        return new + (self._text.end() if finish else ""), finish

    def _tell(self, piece: Piece) -> bool:
        """False where hearing fails: that is the hearer's own affair, and the engine goes on."""
        try:
            self._hear(piece)
        except Exception:
            return False
        return True
