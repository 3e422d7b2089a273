"""Rows with swear words, slurs and sexual words of an English list, disguised ones too (`sh1t`, `s.h.i.t`).

The list is that of glin-profanity (https://github.com/GLINCKER/glin-profanity). A word is no proof of a toxic row, and
an insult in decent words has none: what is found is to be looked at, and what is not found may still be there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, slots=True)
class Coarse:
    """Row number `row` holds these words of the list, each once, as the list spells them."""

    row: int
    words: tuple[str, ...]


def coarse(texts: Sequence[str]) -> list[Coarse] | None:
    """Those of the texts that hold such words, in their order; None where the package is not installed."""
    if find_spec("glin_profanity") is None:
        return None
    from glin_profanity import Filter

    look = Filter({"languages": ["english"]})
    found = [(row, look.check_profanity(text)["profane_words"]) for row, text in enumerate(texts)]
    return [Coarse(row, tuple(dict.fromkeys(words))) for row, words in found if words]
