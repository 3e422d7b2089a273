"""Vectors of a frozen base: the states of its last layer, averaged over a text's tokens, of length 1.

Of `minilm-l6` these are the vectors that its makers trained it for
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, https://arxiv.org/abs/1908.10084 section 3).
"""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from capotasto.evaluate.questions import by_length
from capotasto.evaluate.vectors import vectors
from capotasto.packed import packed
from capotasto.records import read_json
from capotasto.session import Base, load_base
from capotasto.types import Encoded, Turn

_TRAINED = "sentence_bert_config.json"  # where sentence-transformers writes how long a model's texts may be
_ANY_LENGTH = 1 << 30


def load(model: str) -> "FrozenEmbedder":
    """The embedder over a base: an alias, a hub model, a folder or a .gguf file."""
    base = load_base(model, dtype="fp32")
    base.tokenizer.model_max_length = _ANY_LENGTH  # what is too long is cut on purpose: nobody need be warned of it
    return FrozenEmbedder(base)


class FrozenEmbedder:
    """What is longer than the texts that the model was made for is cut on the right, as its makers do."""

    def __init__(self, base: Base):
        self._base, self._longest = base, _longest(base)
        self._renderer = base.renderer(max_length=self._longest if base.is_encoder else _ANY_LENGTH)
        self._packing = ExitStack()
        if base.is_encoder:  # small; a second copy of a large model would not be worth a few milliseconds
            self._packing.enter_context(packed(base.model))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Embedder`."""
        rows = [self._row(text) for text in texts]
        found = np.zeros((len(rows), int(self._base.config.hidden_size)), dtype=np.float32)
        for batch in by_length([len(row.ids) for row in rows], [None] * len(rows)):
            found[batch] = vectors(self._base, [rows[i] for i in batch], None).numpy()
        return found

    def _row(self, text: str) -> Encoded:
        """The text as token ids; an encoder's renderer has cut it already, a decoder's would cut it on the left."""
        ids = self._renderer.prompt([Turn("text", text)]).ids[: self._longest]
        return Encoded(ids, (False,) * len(ids))


def _longest(base: Base) -> int:
    """Tokens of a text at most."""
    told = base.folder and base.folder / _TRAINED
    most = read_json(told).get("max_seq_length") if told and told.exists() else None
    return int(most or base.context or _ANY_LENGTH)
