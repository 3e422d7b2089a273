"""Token ids to text as they come: never half a character, and nothing that is given out changes any more."""

from collections.abc import Sequence
from typing import Any

_INCOMPLETE = "\ufffd"  # what a decoder writes for bytes that are no character yet


class Text:
    """The text of one answer while it grows.

    stops: texts that end it and are not part of it; what may be the beginning of one is held back until it is decided
    plain: special tokens are left out
    """

    def __init__(self, tokenizer: Any, stops: Sequence[str] = (), plain: bool = True):
        self._tokenizer, self._stops, self._plain = tokenizer, [stop for stop in stops if stop], plain
        self._ids: list[int] = []
        self._from, self._read = 0, 0  # text is decoded from a place where it was whole, because some tokenizers
        self._held = ""  # leave out a space at the beginning
        self.stopped = False

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

    def _decode(self, start: int, stop: int) -> str:
        ids = self._ids[start:stop]
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


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of the text are the beginning of the stop text."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
