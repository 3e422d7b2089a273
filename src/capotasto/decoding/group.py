"""The rows of one model from prompt to end. A fault of one of them ends that one."""

from capotasto.base.frozen import FrozenBase
from capotasto.base.reason import reason
from capotasto.decoding.batch import Batch, Chosen
from capotasto.decoding.cache import bytes_of
from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.prompt_cache import PromptCache
from capotasto.decoding.row import Row
from capotasto.decoding.sampling import Choice


class Group:
    """Rows whose prompts are being computed, and rows that write.

    prompts: what is known of soft prompts
    """

    def __init__(self, base: FrozenBase, prompts: PromptCache):
        self._base, self._prompts = base, prompts
        self._fillings: list[Filling] = []
        self._batch = Batch(base)

    @property
    def rows(self) -> list[Row]:
        """All of them."""
        return [*(filling.row for filling in self._fillings), *self._batch.rows]

    @property
    def writing(self) -> int:
        """How many of them write."""
        return len(self._batch.rows)

    def bytes(self, more: Row | None = None) -> int:
        """Memory for keys and values until all rows are written, with one more of them."""
        rows = [*self.rows, *([] if more is None else [more])]
        if not rows:
            return 0
        needed = bytes_of(self._base, len(rows), max(row.need for row in rows), rows[0].adapter)
        return max(needed, self._batch.cache.bytes)

    def add(self, row: Row) -> None:
        """A row whose prompt is still to be computed."""
        self._fillings.append(Filling(row))

    def leave(self, row: Row) -> None:
        """Forget a row, if it is still here."""
        self._fillings = [filling for filling in self._fillings if filling.row is not row]
        self._batch.leave(row)

    def fill(self, most: int) -> tuple[Chosen, int]:
        """Compute so many tokens of prompts at most. Returns the first choices of rows that are ready, and how many
        tokens were computed."""
        before = sum(filling.left for filling in self._fillings)
        chosen = self._fill(self._fillings, most)
        gone = [row for row, _ in chosen]
        computed = before - sum(filling.left for filling in self._fillings)
        self._fillings = [filling for filling in self._fillings if filling.row not in gone]
        return chosen, computed

    def _fill(self, fillings: list[Filling], most: int) -> Chosen:
        """All together; where that fails, one by one from where they were."""
        if not fillings:
            return []
        were = [(filling.before, filling.done) for filling in fillings]
        try:
            return self._together(fillings, most)
        except Exception as error:
            why = reason(error)
        # The error's frames are gone here, so that what they had computed takes no memory from the next try.
        for filling, (before, done) in zip(fillings, were, strict=True):
            filling.before, filling.done = before, done
        if len(fillings) == 1:
            return [(fillings[0].row, Choice(error=f"its prompt cannot be computed: {why}"))]
        return [one for filling in fillings for one in self._fill([filling], most)]

    def _together(self, fillings: list[Filling], most: int) -> Chosen:
        for filling in fillings:
            if not filling.done and filling.before is None:
                filling.before = self._prompts.of(filling.row)
        filled = prefill(self._base, fillings, most)
        if filled is None:
            return []
        for number, row in enumerate(filled.rows):
            self._prompts.learn(row, filled.cache, number)
        return self._batch.join(filled)

    def step(self) -> Chosen:
        """One more token for every row that writes."""
        try:
            return self._batch.step()
        except Exception as error:
            why = reason(error)
        faults = self._batch.faults() or dict.fromkeys(self._batch.rows, why)
        for row in faults:
            self._batch.leave(row)
        ended = [(row, Choice(error=f"its step cannot be computed: {why}")) for row, why in faults.items()]
        return [*ended, *self.step()]
