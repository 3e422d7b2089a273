"""What travels between the parts of retrieval: documents, their passages, and what a search finds."""

from dataclasses import asdict, dataclass
from typing import Any


def sound(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which is no character and cannot be kept."""
    return text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in a document's text.

    start, end: its own characters; the same place twice where it is no part of the text
    level: 1 is the highest; 0 stands above all, as a document's title does
    """

    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document as text.

    name: its path in the folder with forward slashes (`travel/booking.md`), or the place of a row (`faq.jsonl:12`)
    headings: in the order in which they stand
    """

    name: str
    text: str
    headings: tuple[Heading, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document.

    file:    the document's name
    heading: the headings it stands under, the highest first: `Travel > Booking`
    start, end: the characters of the document's text that it is
    text:    without the headings
    """

    file: str
    heading: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that a search found. score: higher is better; comparable within one search only."""

    passage: Passage
    score: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self.passage), "score": self.score}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that was left out. reason: one line that names the place, the cause and the remedy"""

    place: str
    reason: str
