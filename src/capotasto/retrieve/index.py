"""An index as one searches it."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from capotasto.errors import DataError, SettingError, UserError, nearest
from capotasto.retrieve.database import Database, is_local
from capotasto.retrieve.embedders import Embedder, load
from capotasto.retrieve.fusion import fused
from capotasto.retrieve.records import Found

PROBE = "The quick brown fox jumps over the lazy dog."  # its vector tells one embedder from another
_ALIKE = 0.999  # cosine of its two vectors by the same model on two machines, at least
_DEPTH = 50  # places of each ranking that are fused
_HOWS = ("vector", "text", "hybrid")


class Index:
    """Passages of documents. `about` says how they were made."""

    def __init__(self, database: Database, about: dict[str, Any]):
        self.about = about
        self._database = database

    @classmethod
    def open(cls, address: str | Path) -> "Index":
        """The index in a folder, or at the URL of an object store. Errors: there is none, or it is not finished."""
        place = str(address)
        if is_local(place) and not Path(place).is_dir():
            raise DataError(f"no index at {place}; make one with: capo index DOCS --out {place}")
        database = Database(place)
        about = database.about()
        if about is None:
            raise DataError(f"{place} holds no index; make one with: capo index DOCS --out {place}")
        if about["state"] != "finished":
            raise DataError(f"the index at {place} is not finished; run the same capo index again: it goes on")
        return cls(database, about)

    def __len__(self) -> int:
        """Passages."""
        return self._database.count()

    def search(self, query: str, k: int = 4, how: str = "hybrid") -> list[Found]:
        """The k best passages, the best first.

        how: by `vector` (what is meant alike), by `text` (words in common, BM25), or `hybrid`, both rankings fused
        Errors: an empty query, an unknown way, an embedder that is no longer the one the index was made with.
        """
        if how not in _HOWS:
            raise SettingError(f"unknown search {how!r}; {nearest(how, _HOWS)}")
        if not query.strip():
            raise DataError("the question is empty; write what is to be found")
        if how == "text":
            return self._database.matching(query, k)
        if how == "vector":
            return self._database.nearest(self._vector(query), k)
        depth = max(k, _DEPTH)
        return fused([self._database.nearest(self._vector(query), depth), self._database.matching(query, depth)], k)

    def _vector(self, query: str) -> np.ndarray:
        return self._embedder.embed([query])[0]

    @cached_property
    def _embedder(self) -> Embedder:
        """Loaded with the first search that needs it."""
        embedder = load(self.about["embedder"])
        check_same(embedder, self.about, self._database.address)
        return embedder


def check_same(embedder: Embedder, about: dict[str, Any], address: str) -> None:
    """Errors: the embedder makes other vectors than those of the index."""
    before, now = np.array(about["probe"]), embedder.embed([PROBE])[0]
    if before.shape != now.shape or float(before @ now) < _ALIKE:
        raise UserError(
            f"the embedder {about['embedder']} is not the model that the index at {address} was made with; bring that"
            " one back, or make the index anew with: capo index DOCS --out … --force"
        )
