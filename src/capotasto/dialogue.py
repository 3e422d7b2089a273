"""A conversation with a base or an adapter: what was said before stands in the prompt, as long as there is room."""

from collections.abc import Iterator

from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import stream
from capotasto.decoding.text import Text
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Encoded, Turn

_ANY_LENGTH = 1 << 30


class Dialogue:
    """Turns so far, and who answers. What was trained on plain text is given every text by itself.

    forgotten: so many turns no longer fit into the context
    """

    def __init__(self, base: Base, adapter: Adapter | None, settings: GenerateSettings, chat: bool | None = None):
        self._base, self._adapter, self._settings, self._chat = base, adapter, settings, chat
        self._turns: list[Turn] = []
        self.forgotten = 0

    def say(self, text: str) -> Iterator[str]:
        """The answer, piece by piece. One that is not heard to its end is remembered as far as it was.

        Errors: a text that does not fit into the context by itself; the conversation stays as it was.
        """
        turn = self._base.turn(text, self._adapter, self._chat)
        kept, prompt = self._fitting(turn)
        pieces = self._pieces(Row(prompt, self._adapter, self._settings, self._base.renderer().stops))
        answer = next(pieces)
        self.forgotten += len(self._turns) - len(kept)
        self._turns = kept
        try:
            yield answer
            for piece in pieces:
                answer += piece
                yield piece
        finally:
            if turn.role != "text":
                self._turns += [turn, Turn("assistant", answer)]

    def forget(self) -> None:
        """Begin anew."""
        self._turns, self.forgotten = [], 0

    def _pieces(self, row: Row) -> Iterator[str]:
        """At least one."""
        said = Text.of(self._base.tokenizer, row)
        for chosen in stream(self._base, [row]):
            for _, choice in chosen:
                if choice.token not in row.ends:
                    yield said.add(choice.token)
        yield said.end()

    def _fitting(self, turn: Turn) -> tuple[list[Turn], Encoded]:
        """The turns before this one, without the oldest questions and answers where they leave no room; and the prompt
        of them all."""
        renderer = self._base.renderer(self._adapter, _ANY_LENGTH)
        room = self._base.context or _ANY_LENGTH
        taken = self._settings.max_new_tokens + (self._adapter.tokens if self._adapter is not None else 0)
        kept = list(self._turns)
        prompt = renderer.prompt([*kept, turn])
        while kept and len(prompt.ids) + taken > room:
            kept = kept[2:]
            prompt = renderer.prompt([*kept, turn])
        return kept, prompt
