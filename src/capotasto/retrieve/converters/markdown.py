"""A Markdown file: its own text, and the headings in it (https://spec.commonmark.org/0.31.2/#atx-headings)."""

import re
from collections.abc import Iterator
from pathlib import Path

from capotasto.retrieve.converters.plain import text_of
from capotasto.retrieve.records import Document, Heading

LONGEST_TITLE = 200  # characters; what is longer is no title
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.+)")
_FENCES = ("```", "~~~")


def read(path: Path, name: str) -> Document:
    """The file's text; places in it are places in the file."""
    text = text_of(path, name)
    return Document(name, text, tuple(headings(text)))


def headings(text: str) -> Iterator[Heading]:
    """The headings with number signs. Those inside fenced code are code."""
    fence, start = "", 0
    for line in text.splitlines(keepends=True):
        mark = line.lstrip(" ")[:3]
        if mark in _FENCES and fence in ("", mark):
            fence = "" if fence else mark
        elif not fence and (found := _HEADING.match(line)):
            yield Heading(start, start + len(line), len(found[1]), title(found[2].strip().rstrip("#")))
        start += len(line)


def title(text: str) -> str:
    """A title in one line."""
    return " ".join(text[:LONGEST_TITLE].split())
