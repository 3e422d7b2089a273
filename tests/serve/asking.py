"""Asks for tests, and what their asker hears."""

from threading import Event

from capotasto.decoding.settings import GenerateSettings
from capotasto.serve.asks import Ask, Piece
from tests.decoding.making import make_row


class Heard:
    """The pieces of one answer; after `fail_after` of them whoever listens is gone."""

    def __init__(self, fail_after: int = -1):
        self.pieces: list[Piece] = []
        self.begun, self._ended, self._fail_after = Event(), Event(), fail_after

    def __call__(self, piece: Piece) -> None:
        assert not self._ended.is_set(), "nothing is heard after the end"
        self.pieces.append(piece)
        if piece.token is not None:
            self.begun.set()
        if piece.finish:
            self._ended.set()
        if len(self.pieces) == self._fail_after:
            raise RuntimeError("whoever listened is gone")

    def wait(self, seconds: float = 60) -> "Heard":
        """Until the answer has ended."""
        assert self._ended.wait(seconds), self.pieces
        return self

    def end(self, seconds: float = 60) -> Piece:
        """The last piece, when it has come."""
        return self.wait(seconds).pieces[-1]

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


def ask(engine, prompt, adapter=None, tokens: int = 8, **more) -> Heard:
    """Submit a row; the settings of writing are told apart from those of the ask."""
    settings = {key: more.pop(key) for key in list(more) if key in GenerateSettings.model_fields}
    heard = Heard()
    heard.ticket = engine.submit(
        Ask(prompt, adapter, GenerateSettings(max_new_tokens=tokens, **settings), **more), heard
    )
    return heard
