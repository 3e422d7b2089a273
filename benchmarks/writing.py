"""Meaning → sentence rows: what restaurants are like, and how people say it (the E2E challenge)."""

import csv
import random
from dataclasses import dataclass

from benchmarks.common import data_file

TESTS = 60  # drawn meanings that are written and scored; each has several reference sentences


@dataclass(frozen=True)
class Meaning:
    """What is to be said, and sentences that say it."""

    text: str
    references: tuple[str, ...]


def restaurants() -> tuple[list[Meaning], list[Meaning]]:
    """Training pairs, one reference each, shuffled; and drawn test meanings with all their references.

    The test's meanings do not occur in training.
    """
    train = [Meaning(row["mr"], (row["ref"],)) for row in _rows("devset.csv")]
    random.Random(0).shuffle(train)
    by_text: dict[str, list[str]] = {}
    for row in _rows("testset_w_refs.csv"):
        by_text.setdefault(row["mr"], []).append(row["ref"])
    seen = {row.text for row in train}
    tests = [Meaning(text, tuple(references)) for text, references in by_text.items() if text not in seen]
    return train, random.Random(0).sample(tests, TESTS)


def _rows(name: str) -> list[dict[str, str]]:
    with data_file(f"e2e_nlg/{name}").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
