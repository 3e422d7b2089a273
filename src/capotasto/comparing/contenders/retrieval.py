"""Passages of documents before each question: those that a search finds for it (retrieval-augmented generation)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from capotasto.comparing.choosing import best
from capotasto.comparing.contender import Contender, Ready
from capotasto.comparing.contenders.few_shot import PLAIN, ROOM
from capotasto.comparing.contest import Contest
from capotasto.comparing.framing import after_text
from capotasto.types import Example

COUNTS = (1, 2, 4)  # passages that are tried
USUAL = 200.0  # tokens of a passage, for the timetable
INDEX = "index"  # where documents that are no index yet are made searchable
TASK = "These passages may help with what follows:"


@dataclass(frozen=True)
class Passages:
    """Puts the best passages before a row, as many of them as fit."""

    contest: Contest
    index: Any
    count: int

    def __call__(self, example: Example) -> Example:
        """The row behind its passages."""
        texts: list[str] = []
        left = ROOM * self.contest.max_length
        for found in self.index.search(example.turns[-2].content, self.count):
            size = self.contest.renderer.longest([found.passage.text])
            if size <= left:
                texts.append(found.passage.text)
                left -= size
        return after_text(example, "\n\n".join([TASK, *texts])) if texts else example


class Retrieval(Contender):
    """How many passages is chosen on validation rows."""

    kind = "retrieval"
    how = "the base first reads, for each question, the passages of the documents that a search finds for it"

    @override
    def unfit(self, contest: Contest) -> str:
        if contest.settings.docs is None:
            return "no documents were given; name them with --docs DIR"
        return PLAIN if contest.plain else ""

    @override
    def stale(self, contest: Contest, settings: dict[str, Any]) -> bool:
        return settings.get("docs") != contest.settings.docs

    @override
    def added(self, contest: Contest) -> float:
        return min(COUNTS[-1] * USUAL, ROOM * contest.max_length)

    @override
    def make(self, contest: Contest, folder: Path, seconds: float) -> Ready:
        docs = str(contest.settings.docs)
        address, index = _opened(docs, folder / INDEX)
        candidates = [Ready(Passages(contest, index, count)) for count in COUNTS]
        which, rows = best(contest, candidates, self.added(contest) * sum(COUNTS) / len(COUNTS) / COUNTS[-1], seconds)
        settings = {"docs": docs, "passages": COUNTS[which], "rows": rows}
        return Ready(candidates[which].frame, settings=settings, bytes=_size(Path(address)))


def _opened(docs: str, place: Path) -> tuple[str, Any]:
    """(where it is, the index of these documents): their own, if they are one, else a new one at `place`."""
    from capotasto.retrieve.build import build_index
    from capotasto.retrieve.index import Index

    if "://" in docs or (Path(docs) / "about.lance").exists():
        return docs, Index.open(docs)
    build_index(docs, place)
    return str(place), Index.open(place)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


RETRIEVAL = Retrieval()
