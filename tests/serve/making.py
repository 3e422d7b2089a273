"""Asks for tests, and what is heard of them."""

import threading

from capotasto.decoding.settings import GenerateSettings
from capotasto.serve.asks import Ask, Piece
from tests.decoding.making import make_row


class Heard:
    """The pieces of one answer; `wait` until it ends."""

    def __init__(self, fail_after: int = -1):
        self.pieces: list[Piece] = []
        self._ended, self._fail_after = threading.Event(), fail_after

    def __call__(self, piece: Piece) -> None:
        assert not self._ended.is_set(), "nothing comes after the end"
        self.pieces.append(piece)
        if piece.finish:
            self._ended.set()
        if len(self.pieces) == self._fail_after:
            raise RuntimeError("whoever listened is gone")

    def wait(self, seconds: float = 60) -> "Heard":
        assert self._ended.wait(seconds), "the answer has no end"
        return self

    @property
    def tokens(self) -> list[int]:
        return [piece.token for piece in self.pieces if piece.token is not None]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def finish(self) -> str:
        return self.pieces[-1].finish

    @property
    def error(self) -> str:
        return self.pieces[-1].error


def make_ask(number: int, adapter=None, stop=(), logprobs=None, schema=None, pattern=None, **settings) -> Ask:
    row = make_row(number, adapter, **settings)
    return Ask(row.prompt, adapter, GenerateSettings(**row.settings.model_dump()), stop, logprobs, schema, pattern)
