"""An HTML page as text: blocks as paragraphs, its title and headings; scripts and styles are left out."""

import re
from html.parser import HTMLParser
from pathlib import Path

from typing_extensions import override

from capotasto.retrieve.converters.markdown import title
from capotasto.retrieve.converters.plain import text_of
from capotasto.retrieve.records import Document, Heading

_LEVELS = {f"h{level}": level for level in range(1, 7)}
_LINES = ("li", "tr")
_BLOCKS = frozenset((*_LEVELS, *_LINES, "blockquote", "dd", "div", "dl", "dt", "hr", "ol", "p", "pre", "table", "ul"))
_BLOCKS |= {"address", "article", "aside", "details", "figcaption", "figure", "footer", "form", "header", "main", "nav"}
_BLOCKS |= {"fieldset", "section", "summary"}
_CELLS = ("td", "th")
_UNSEEN = ("script", "style")  # whose content is no text
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def read(path: Path, name: str) -> Document:
    """The page's text."""
    return document(text_of(path, name), name)


def document(page: str, name: str) -> Document:
    """HTML as a document."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return Document(name, "".join(reader.pieces), tuple(reader.headings))


class _Reader(HTMLParser):
    """Puts the text together. pieces: of the text so far, `length` characters in all."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.headings: list[Heading] = []
        self.length = 0
        self._within = ""  # the element whose text is not told, or told elsewhere
        self._kept = 0  # open elements whose blanks are kept
        self._heading: tuple[int, int, list[str]] | None = None  # (start, level, pieces) of the one that is open

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN or tag == "title":
            self._within = tag
        elif tag in _BLOCKS:
            self._end_line("\n" if tag in _LINES else "\n\n")
            self._kept += tag == "pre"
            self._heading = (self.length, _LEVELS[tag], []) if tag in _LEVELS else self._heading
            self._add("- " if tag == "li" else "")
        elif tag == "br":
            self._end_line("\n")
        elif tag in _CELLS and not self._at_blank():
            self._add(" ")

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""
        elif tag in _BLOCKS:
            if tag in _LEVELS and self._heading is not None:
                start, level, pieces = self._heading
                self.headings.append(Heading(start, self.length, level, title("".join(pieces))))
                self._heading = None
            self._kept = max(0, self._kept - (tag == "pre"))
            self._end_line("\n" if tag in _LINES else "\n\n")

    @override
    def handle_data(self, data: str) -> None:
        if self._within == "title" and not self.headings:
            self.headings.append(Heading(0, 0, 0, title(data)))
        if self._within:
            return
        text = data if self._kept else _BLANKS.sub(" ", data)
        if not self._kept and self._at_blank():
            text = text.lstrip(" ")
        if self._heading is not None:
            self._heading[2].append(text)
        self._add(text)

    def _at_blank(self) -> bool:
        """True where another blank would be one too many."""
        return not self.pieces or self.pieces[-1].endswith((" ", "\n"))

    def _add(self, text: str) -> None:
        if text:
            self.pieces.append(text)
            self.length += len(text)

    def _end_line(self, mark: str) -> None:
        """End a line or a paragraph, unless it has ended already."""
        if not self.pieces:
            return
        end = "".join(self.pieces[-2:])[-len(mark) :]
        self._add("" if end == mark else mark[: len(mark) - (end.endswith("\n"))])
