"""What turns texts into vectors, by name. A name with a colon at its end stands before a model: `st:all-mpnet-base-v2`.

Each is a function `load(model: str) -> Embedder`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, cast

import numpy as np

from capotasto.registry import Table

EMBEDDERS = Table(
    "embedder",
    {
        "minilm-l6": "capotasto.retrieve.embedders.frozen:load",
        "base:": "capotasto.retrieve.embedders.frozen:load",
        "st:": "capotasto.retrieve.embedders.sentence_transformer:load",
    },
)


class Embedder(Protocol):
    """Texts to vectors."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """[N, H] in fp32, each of length 1."""
        ...


def load(name: str) -> Embedder:
    """The embedder of this name. Errors: an unknown one, or a model that cannot be had."""
    scheme, colon, model = name.partition(":")
    chosen = cast(Callable[[str], Embedder], EMBEDDERS[scheme + colon])
    return chosen(model if colon else scheme)
