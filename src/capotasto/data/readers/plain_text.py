"""Rows of a plain text file: its paragraphs, or its lines where no blank line parts them."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from capotasto.data.readers.file_text import read_text
from capotasto.data.rows import Row


def read(path: Path) -> Iterator[Row]:
    """Yield each run of lines between blank lines as the column `text`; its place is its first line.

    A file without a blank line is a list, one text a line: as one paragraph it would be a single row.
    """
    lines = list(enumerate(read_text(path).replace("\r\n", "\n").split("\n"), start=1))
    runs = groupby(lines, key=lambda numbered: bool(numbered[1].strip()))
    paragraphs = [list(run) for filled, run in runs if filled]
    if len(paragraphs) == 1:
        paragraphs = [[line] for line in paragraphs[0]]
    for paragraph in paragraphs:
        yield Row({"text": "\n".join(line for _, line in paragraph)}, f"{path.name}:{paragraph[0][0]}")
