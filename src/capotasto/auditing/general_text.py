"""Forgetting: the loss on text that has nothing to do with the task."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capotasto.auditing.files import spread
from capotasto.auditing.likelihood import Likelihood, Scores
from capotasto.auditing.probe import Candidate, Item, Tally
from capotasto.data.readers.file_text import read_text

PIECE = 1000  # characters of a row


@dataclass(frozen=True, kw_only=True)
class GeneralText(Likelihood):
    """Pieces of a plain text, each read from its own beginning."""

    def items(self, folder: Path, rows: int) -> list[Item]:
        """Pieces of about `PIECE` characters, cut between words."""
        texts = [piece for path in self.files(folder) for piece in pieces(read_text(path))]
        return [Item((Candidate("", text),)) for text in spread(texts, rows)]

    def tallies(self, items: Sequence[Item], answers: Sequence[Scores]) -> dict[str, Tally]:
        """Nats per token: all nats over all tokens."""
        return {"loss": loss(answers)}


def pieces(text: str, size: int = PIECE) -> list[str]:
    """The text in pieces of `size` characters and the rest of the last word; none is blank."""
    found, start = [], 0
    while start < len(text):
        end = text.find(" ", start + size)
        end = len(text) if end < 0 else end
        found.append(text[start:end].strip())
        start = end
    return [piece for piece in found if piece]


def loss(answers: Sequence[Scores]) -> Tally:
    """Nats per token of each item's first candidate."""
    nats, tokens = zip(*((one.nats[0], one.tokens[0]) for one in answers), strict=True)
    return Tally(np.array(nats), np.array(tokens))


GENERAL_TEXT = GeneralText(
    skill="forgetting",
    title="General text",
    patterns=("general_text.txt", "wikitext2/test.txt", "wikitext2/valid.txt"),
    metrics=("loss",),
)
