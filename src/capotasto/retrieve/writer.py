"""Brings an index up to date, document by document."""

import re
from dataclasses import dataclass, field

from capotasto.errors import DataError
from capotasto.retrieve.chunks import passages
from capotasto.retrieve.database import Database, words
from capotasto.retrieve.embedders import Embedder
from capotasto.retrieve.records import Fault, Passage
from capotasto.retrieve.settings import IndexSettings
from capotasto.retrieve.sources import Source

_TOGETHER = 128  # passages that are embedded and written at once
_ADDRESS = re.compile(r"\]\([^()\s]*\)|https?://\S+")  # where links lead says little of what is meant


@dataclass(slots=True)
class Built:
    """What became of a folder, and while it goes on how far it has come.

    documents: files, and rows of data files, that were looked at
    unchanged: of these, those that were indexed already; changed: those that were indexed now
    removed:   documents that are gone
    passages:  that were embedded
    others:    files of other kinds, by ending
    """

    files: int = 0
    of_files: int = 0
    documents: int = 0
    unchanged: int = 0
    changed: int = 0
    removed: int = 0
    passages: int = 0
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)


class Writer:
    """Takes what lies in a folder. seen: the names of the documents that are there and can be read"""

    def __init__(self, database: Database, embedder: Embedder, settings: IndexSettings, built: Built):
        self.seen: set[str] = set()
        self._database, self._embedder, self._settings, self._built = database, embedder, settings, built
        self._known = database.hashes()
        self._stale: list[str] = []  # documents whose passages are replaced with the next writing
        self._waiting: list[tuple[Passage, str]] = []

    def take(self, found: Source | Fault) -> None:
        """One document: passed over where it is indexed as it is."""
        self._built.documents += 1
        if isinstance(found, Fault):
            self._built.faults.append(found)
            return
        if self._known.get(found.name) == found.hash:
            self._built.unchanged += 1
            self.seen.add(found.name)
            return
        try:
            document = found.read()
        except DataError as error:
            self._built.faults.append(Fault(found.name, str(error)))
            return
        self.seen.add(found.name)
        self._built.changed += 1
        self._stale += [found.name] if found.name in self._known else []
        cut = passages(document, self._settings.passage, self._settings.overlap)
        self._waiting += [(passage, found.hash) for passage in cut]
        if len(self._waiting) >= _TOGETHER:
            self._write()

    def finish(self) -> None:
        """Write what waits, and take out what is gone or can be read no more."""
        self._write()
        gone = sorted(self._known.keys() - self.seen)
        self._database.remove(gone)
        self._built.removed = len(gone)
        self._database.tidy()

    def _write(self) -> None:
        """A document's passages are added all at once: what is in the index is there as a whole."""
        self._database.remove(self._stale)
        if self._waiting:
            vectors = self._embedder.embed([_meaning(passage) for passage, _ in self._waiting])
            self._database.add(self._waiting, vectors)
            self._built.passages += len(self._waiting)
        self._stale, self._waiting = [], []


def _meaning(passage: Passage) -> str:
    """What is embedded: the words, without the addresses of links."""
    return _ADDRESS.sub(lambda found: "]" if found[0].startswith("]") else "", words(passage))
