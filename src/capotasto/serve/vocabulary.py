"""Token ids as texts, each decoded once: logprobs show the same few tokens again and again."""

from transformers import PreTrainedTokenizerBase

from capotasto.decoding.text import TokenReader


class Vocabulary:
    """The tokens of one tokenizer one by one. It grows to the size of the vocabulary at most."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self._reader = TokenReader(tokenizer)
        self._texts: dict[int, str] = {}

    def text(self, token: int | None) -> str:
        """A token by itself; a part of a character is U+FFFD."""
        if token is None:
            return ""
        if (known := self._texts.get(token)) is None:
            known = self._texts[token] = self._reader.text(token)
        return known
