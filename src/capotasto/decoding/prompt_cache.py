"""Keys and values of soft prompts, kept so that no request computes its adapter's virtual tokens again."""

from collections import OrderedDict
from weakref import ref

from torch import Tensor

from capotasto import forward
from capotasto.decoding.prefill import of_row
from capotasto.decoding.row import Row
from capotasto.methods.adapter import Adapter


class PromptCache:
    """Adapter → [L, 2, K, S, D] of its virtual tokens; those used longest ago make room.

    limit: bytes
    An adapter must not learn while it is here. One that nobody else holds any more is not held here either.
    """

    def __init__(self, limit: int):
        self._limit = limit
        self._kept: OrderedDict[ref[Adapter], Tensor] = OrderedDict()
        self.bytes = 0

    def of(self, row: Row) -> Tensor | None:
        """What stands before the row's tokens; None where it must be computed with them."""
        if (who := _whose(row)) is None or who not in self._kept:
            return None
        self._kept.move_to_end(who)
        return self._kept[who]

    def learn(self, row: Row, cache: forward.Cache, number: int) -> None:
        """Keep what is now known of the row's virtual tokens; the row is number `number` of `cache`."""
        who = _whose(row)
        if who is None or who in self._kept or row.adapter is None:
            return
        kept = of_row(cache, number, row.adapter.tokens)
        if kept.nbytes > self._limit:
            return
        for gone in [other for other in self._kept if other() is None]:
            self.bytes -= self._kept.pop(gone).nbytes
        self._kept[who] = kept
        self.bytes += kept.nbytes
        while self.bytes > self._limit:
            self.bytes -= self._kept.popitem(last=False)[1].nbytes


def _whose(row: Row) -> "ref[Adapter] | None":
    """The adapter whose virtual tokens have the same keys and values in every row: it has some, at the front."""
    adapter = row.adapter
    if adapter is None or adapter.embeds() is None or row.prompt.slot or not row.prompt.ids:
        return None
    return ref(adapter)
