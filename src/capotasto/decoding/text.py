"""Token ids to text as they come: never half a character, and nothing that is given out changes any more."""

from collections.abc import Sequence
from typing import Any

from capotasto.decoding.row import Row

_ANCHOR = 16  # ids of a prompt that are looked at for its last whole characters
_INCOMPLETE = "\ufffd"  # what a decoder writes for bytes that are no character yet


class Text:
    """The text of one answer while it grows.

    stops: texts that end it and are not part of it; what may be the beginning of one is held back until it is decided
    plain: special tokens are left out
    after: ids of the text that it goes on; none where it begins a text of its own
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = (), plain: bool = True, after: Sequence[int] = ()):
        self._tokenizer, self._stops, self._plain = tokenizer, [stop for stop in stops if stop], plain
        self._ids = self._anchor(list(after[-_ANCHOR:]))
        self._from, self._read = 0, len(self._ids)  # text is decoded from a place where it was whole, because some
        self._held = ""  # tokenizers leave out a space at the beginning
        self.stopped = False

    @classmethod
    def of(cls, tokenizer: Any, row: Row, stops: Sequence[str] = ()) -> "Text":
        """What is written to a row."""
        after = row.prompt.ids if row.prompt.continued else ()
        return cls(tokenizer, stops, plain=not row.settings.ignore_end, after=after)

    def add(self, token: int) -> str:
        """What is new with this token."""
        self._ids.append(token)
        return self._give(self._decided())

    def end(self) -> str:
        """What was held back, without half a character at its end."""
        if self.stopped:
            return ""
        before, whole = self._decode(self._from, self._read), self._decode(self._from, len(self._ids))
        self._read = len(self._ids)
        given = self._give(whole[len(before) :].removesuffix(_INCOMPLETE))
        rest, self._held = self._held, ""
        return given + rest

    def _decided(self) -> str:
        """The text of the tokens that are new, once their last character is whole."""
        before, whole = self._decode(self._from, self._read), self._decode(self._from, len(self._ids))
        if len(whole) <= len(before) or whole.endswith(_INCOMPLETE):
            return ""
        self._from, self._read = self._read, len(self._ids)
        return whole[len(before) :]

    def _anchor(self, ids: list[int]) -> list[int]:
        """As few of the last ids as are text, in whole characters; none where there are none."""
        texts = ((start, self._text(ids[start:])) for start in reversed(range(len(ids))))
        return ids[next((start for start, text in texts if text and _INCOMPLETE not in text), len(ids)) :]

    def _decode(self, start: int, stop: int) -> str:
        return self._text(self._ids[start:stop])

    def _text(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=self._plain, clean_up_tokenization_spaces=False))

    def _give(self, new: str) -> str:
        """What of the held and the new text is certain to stay."""
        if self.stopped:
            return ""
        text = self._held + new
        found = [(text.index(stop) + len(stop), text.index(stop)) for stop in self._stops if stop in text]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)[1]]  # the stop text that is complete first
        kept = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]


class TokenReader:
    """Tokens one by one, each read behind a letter, so that it keeps the space that it may begin with."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._letter: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"]
        self._begins = len(self._decode(self._letter))

    def text(self, token: int) -> str:
        """A token by itself; a part of a character is U+FFFD."""
        return self._decode([*self._letter, token])[self._begins :]

    def _decode(self, ids: list[int]) -> str:
        return str(self._tokenizer.decode(ids, clean_up_tokenization_spaces=False))


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text are the beginning of the stop text."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
