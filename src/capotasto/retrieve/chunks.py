"""A document cut into passages: never across a heading, at the best place near the wanted size."""

from collections.abc import Iterator
from itertools import pairwise

from capotasto.retrieve.records import Document, Heading, Passage, sound

BETWEEN = " > "  # headings of a path
_BREAKS = ("\n\n", "\n", ". ", "? ", "! ", "; ", " ")  # where to cut, the best first


def passages(document: Document, size: int, overlap: int) -> Iterator[Passage]:
    """The passages in order. Blanks at both ends are left out, and passages without any text.

    size:    characters at most
    overlap: so many of its characters, at most, a passage repeats from the end of the one before under the same heading
    """
    for start, stop, heading in _sections(document):
        for begin, end in _pieces(document.text, start, stop, size, overlap):
            piece = document.text[begin:end]
            begin += len(piece) - len(piece.lstrip())
            if kept := piece.strip():
                yield Passage(document.name, sound(heading), begin, begin + len(kept), sound(kept))


def _sections(document: Document) -> Iterator[tuple[int, int, str]]:
    """(start, stop, path of headings) of what stands between two headings."""
    ends = Heading(len(document.text), len(document.text), 0, "")
    path: list[Heading] = []
    for heading, following in pairwise([Heading(0, 0, 0, ""), *document.headings, ends]):
        path = [*(one for one in path if one.level < heading.level), heading]
        titles = dict.fromkeys(one.title for one in path if one.title)
        yield heading.end, following.start, BETWEEN.join(titles)


def _pieces(text: str, start: int, stop: int, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Cuts of text[start:stop]; each step looks at `size` characters, so a long line costs no more than many short."""
    while stop - start > size:
        end = _cut(text, start + size // 2, start + size)
        yield start, end
        start = _step_back(text, end, overlap)
    yield start, stop


def _cut(text: str, least: int, most: int) -> int:
    """Where a passage ends: behind the last of the best breaks between the two; `most` where there is none."""
    for mark in _BREAKS:
        place = text.rfind(mark, least, most)
        if place >= 0:
            return place + len(mark)
    return most


def _step_back(text: str, end: int, overlap: int) -> int:
    """Where the next passage begins: up to `overlap` characters earlier, at the beginning of a sentence or a word."""
    for mark in _BREAKS:
        place = text.find(mark, end - overlap, end - len(mark))
        if place >= 0:
            return place + len(mark)
    return end
