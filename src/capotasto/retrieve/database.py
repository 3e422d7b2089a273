"""An index on disk or on object storage: two tables of LanceDB (https://lancedb.com/docs).

`passages` has a row for each passage with its vector, `about` one row that says how they were made. A change of a table
is there as a whole or not at all, so that a process that is killed leaves whole documents.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from capotasto.base.reason import reason
from capotasto.errors import UserError
from capotasto.retrieve.packages import imported
from capotasto.retrieve.records import Found, Passage

PASSAGES, ABOUT = "passages", "about"
_FRESH = timedelta(seconds=5)  # after which a reader looks whether somebody has changed the index
_NAMES = 500  # in one condition
_COLUMNS = ["file", "heading", "start", "end", "words"]


def is_local(address: str) -> bool:
    """True for a folder, False for the URL of an object store (s3://bucket/folder)."""
    return "://" not in address


class Database:
    """The tables at an address. Errors: nothing can be read or written there."""

    def __init__(self, address: str):
        self.address = address
        lancedb = imported("lancedb", "an index")
        try:
            self._connection: Any = lancedb.connect(address, read_consistency_interval=_FRESH)
            self._names = set(self._connection.list_tables().tables)
        except Exception as error:  # of the file system, the network and the store: each its own
            raise UserError(f"cannot open {address} ({reason(error)}); check the address and your rights") from error

    @cached_property
    def _passages(self) -> Any:
        return self._connection.open_table(PASSAGES)

    def about(self) -> dict[str, Any] | None:
        """How the passages were made; None where there is no index."""
        if ABOUT not in self._names:
            return None
        try:
            table = self._connection.open_table(ABOUT)
        except ValueError:  # a process was killed while it made the very first version
            return None
        [row] = table.search().limit(1).to_list()
        record: dict[str, Any] = json.loads(row["record"])
        return record

    def set_about(self, record: dict[str, Any]) -> None:
        """Write it down in place of what was there."""
        self._make(ABOUT, data=[{"record": json.dumps(record)}])

    def create(self, width: int) -> None:
        """An empty table of passages, whatever was there. width: H of the vectors"""
        pyarrow, fts = imported("pyarrow", "an index"), imported("lancedb.index", "an index").FTS
        text, number = pyarrow.string(), pyarrow.int64()
        fields = {"file": text, "heading": text, "start": number, "end": number, "words": text, "hash": text}
        vector = pyarrow.list_(pyarrow.float32(), width)
        schema = pyarrow.schema([*fields.items(), ("vector", vector)])
        self._make(PASSAGES, schema=schema).create_index("words", config=fts())

    def hashes(self) -> dict[str, str]:
        """The hash of each document that has passages."""
        rows = self._passages.search().select(["file", "hash"]).limit(max(1, self.count())).to_batches()
        return {file: hash for batch in rows for file, hash in zip(*batch.to_pydict().values(), strict=True)}

    def count(self) -> int:
        """Passages."""
        return int(self._passages.count_rows())

    def remove(self, files: Sequence[str]) -> None:
        """Forget the passages of these documents."""
        left = iter(files)
        while some := list(islice(left, _NAMES)):
            names = ", ".join("'" + name.replace("'", "''") + "'" for name in some)
            self._passages.delete(f"file IN ({names})")

    def add(self, passages: Sequence[tuple[Passage, str]], vectors: np.ndarray) -> None:
        """Add passages, each with its document's hash, and their vectors [N, H], at once."""
        rows = [
            {**_row(passage), "hash": hash, "vector": vector}
            for (passage, hash), vector in zip(passages, vectors, strict=True)
        ]
        self._passages.add(rows)

    def tidy(self) -> None:
        """Put many small pieces together, and bring the index of words up to date."""
        self._passages.optimize()

    def nearest(self, vector: np.ndarray, k: int) -> list[Found]:
        """The k passages whose vectors are most like this one [H]; all are looked at. score: the cosine"""
        query = self._passages.search(vector, vector_column_name="vector").distance_type("cosine")
        rows = query.select([*_COLUMNS, "_distance"]).limit(k).to_list()
        return [_found(row, 1 - row["_distance"]) for row in rows]

    def matching(self, query: str, k: int) -> list[Found]:
        """The k passages that share words with the query, by BM25."""
        found = self._passages.search(query, query_type="fts", fts_columns="words")
        return [_found(row, row["_score"]) for row in found.select([*_COLUMNS, "_score"]).limit(k).to_list()]

    def _make(self, name: str, **content: Any) -> Any:
        """A table in place of the one of this name, if there is one."""
        table = self._connection.create_table(name, mode="overwrite" if name in self._names else "create", **content)
        self._names.add(name)
        return table


def words(passage: Passage) -> str:
    """What is searched: the headings and the text."""
    return f"{passage.heading}\n{passage.text}" if passage.heading else passage.text


def _row(passage: Passage) -> dict[str, Any]:
    return {
        "file": passage.file,
        "heading": passage.heading,
        "start": passage.start,
        "end": passage.end,
        "words": words(passage),
    }


def _found(row: dict[str, Any], score: float) -> Found:
    text = row["words"].removeprefix(f"{row['heading']}\n" if row["heading"] else "")
    return Found(Passage(row["file"], row["heading"], row["start"], row["end"], text), float(score))
