"""Labelled rows to be judged."""

from collections.abc import Sequence

from capotasto.types import Example, Turn

WORDS = ["why", "rain", "north", "how", "short", "answer"]


def labelled(count: int, labels: Sequence[str]) -> list[Example]:
    """Texts of one to six words, each with the next of the labels."""
    given = [(" ".join(WORDS[: 1 + i % len(WORDS)]), labels[i % len(labels)]) for i in range(count)]
    return [
        Example((Turn("user", text), Turn("assistant", label, learn=True)), label=label, place=f"rows.csv:{i + 2}")
        for i, (text, label) in enumerate(given)
    ]
