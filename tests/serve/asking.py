"""What an asker hears."""

from threading import Event

from capotasto.decoding.settings import GenerateSettings
from capotasto.serve.asks import Ask, Piece


class Heard:
    """The pieces of one answer."""

    def __init__(self):
        self.pieces: list[Piece] = []
        self.begun, self.done = Event(), Event()

    def __call__(self, piece: Piece) -> None:
        assert not self.done.is_set(), "nothing is heard after the end"
        self.pieces.append(piece)
        if piece.token is not None:
            self.begun.set()
        if piece.finish:
            self.done.set()

    def end(self, seconds: float = 60) -> Piece:
        """The last piece."""
        assert self.done.wait(seconds), self.pieces
        return self.pieces[-1]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    @property
    def tokens(self) -> list[int]:
        return [piece.token for piece in self.pieces if piece.token is not None]


def ask(engine, prompt, adapter=None, tokens: int = 8, **more) -> Heard:
    """Submit a row; the settings of writing are told apart from those of the ask."""
    settings = {key: more.pop(key) for key in list(more) if key in GenerateSettings.model_fields}
    heard = Heard()
    heard.ticket = engine.submit(
        Ask(prompt, adapter, GenerateSettings(max_new_tokens=tokens, **settings), **more), heard
    )
    return heard
