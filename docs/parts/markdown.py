"""Markdown from Python values."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, ended by a line feed. A bar or a line end inside a cell is made harmless."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell(text) for text in line) + " |\n" for line in lines)


def cell(text: str) -> str:
    """A text as it may stand in a table: on one line, bars escaped."""
    return " ".join(str(text).split()).replace("|", "\\|")


def code(text: object) -> str:
    """A name or value as inline code."""
    return f"`{text}`"


def block(*lines: str) -> str:
    """Lines as they stand on a terminal."""
    return "```text\n" + "\n".join(lines) + "\n```\n"
