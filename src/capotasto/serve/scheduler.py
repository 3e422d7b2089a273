"""What an engine does between two looks at its queue: prompts in pieces, then a step of every group."""

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.batch import Chosen
from capotasto.decoding.group import Group
from capotasto.decoding.prompt_cache import PromptCache
from capotasto.decoding.row import Row
from capotasto.serve.engine_settings import EngineSettings
from capotasto.serve.writing import Writing


class Scheduler:
    """The asks that are under way. Only the engine's thread calls its methods; its numbers may be read by any.

    Rows of adapters with a model of their own share no batch with others: each such adapter has its own group.
    reserved: bytes for keys and values until all its rows are written
    """

    def __init__(self, base: FrozenBase, settings: EngineSettings):
        self._base, self._pieces = base, settings.prefill_tokens
        self._groups: dict[int, Group] = {}
        self._writings: dict[Row, Writing] = {}
        self.prompts = PromptCache(settings.prompt_cache_mb * 2**20)
        self.reserved = self.steps = self.tokens_written = self.prompt_tokens = self.last_batch = 0

    @property
    def running(self) -> int:
        """How many asks are under way."""
        return len(self._writings)

    def fits(self, writing: Writing, limit: int) -> bool:
        """Whether there is memory for one more."""
        others = sum(group.bytes() for key, group in self._groups.items() if key != _key(writing.row))
        return others + self._group(writing.row).bytes(writing.row) <= limit

    def add(self, writing: Writing) -> None:
        """Begin an answer."""
        group = self._groups.setdefault(_key(writing.row), self._group(writing.row))
        group.add(writing.row)
        self._writings[writing.row] = writing
        self._count()

    def cancel(self, writing: Writing) -> None:
        """End an answer, if it is still under way."""
        if writing.row in self._writings:
            self._leave(writing.row)
            writing.end("cancelled")

    def clear(self, finish: str, error: str = "") -> None:
        """End all answers."""
        writings, self._writings, self._groups = list(self._writings.values()), {}, {}
        self._count()
        for writing in writings:
            writing.end(finish, error)

    def advance(self) -> None:
        """Some tokens of prompts, and a step of every row that writes."""
        left = self._pieces
        for group in list(self._groups.values()):
            if left > 0:
                chosen, computed = group.fill(left)
                left -= computed
                self.prompt_tokens += computed
                self._tell(chosen)
        for group in list(self._groups.values()):
            if group.writing:
                self.last_batch = group.writing
                self.steps += 1
                self._tell(group.step())
        if self._groups:  # whoever waited longest for a piece of its prompt is first the next time
            key = next(iter(self._groups))
            self._groups[key] = self._groups.pop(key)

    def _group(self, row: Row) -> Group:
        return self._groups.get(_key(row)) or Group(self._base, self.prompts)

    def _tell(self, chosen: Chosen) -> None:
        for row, choice in chosen:
            self.tokens_written += not choice.error
            if not self._writings[row].take(choice):
                self._leave(row)

    def _leave(self, row: Row) -> None:
        key = _key(row)
        del self._writings[row]
        if (group := self._groups.get(key)) is not None:  # it has gone with others that ended in the same step
            group.leave(row)
            if key and not group.rows:  # the base's own keeps what it worked out for its adapters
                del self._groups[key]
        self._count()

    def _count(self) -> None:
        self.reserved = sum(group.bytes() for group in self._groups.values())


def _key(row: Row) -> int:
    """Which rows may share a batch."""
    return id(row.adapter) if row.adapter is not None and row.adapter.body() is not None else 0
