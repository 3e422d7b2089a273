"""Vectors of any model of sentence-transformers (https://sbert.net), where that package is installed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from capotasto.base.quiet import quiet
from capotasto.base.reason import reason
from capotasto.errors import BaseError, SettingError


def load(model: str) -> "SentenceEmbedder":
    """The model of this name or in this folder; no code that comes with it is run."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise SettingError(
            f"the embedder st:{model} needs sentence-transformers: pip install sentence-transformers"
        ) from None
    try:
        with quiet():
            return SentenceEmbedder(SentenceTransformer(model, model_kwargs={"use_safetensors": True}))
    except Exception as error:  # the hub's, the transport's and the model's own errors
        raise BaseError(f"cannot load st:{model} ({reason(error)}); check its name and the network") from error


class SentenceEmbedder:
    """A model of sentence-transformers."""

    def __init__(self, model: Any):
        self._model = model

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Embedder`."""
        found = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)
