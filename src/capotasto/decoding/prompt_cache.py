"""Keys and values of soft prompts, kept so that no request computes its adapter's virtual tokens again."""

from collections import OrderedDict
from weakref import ref

from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.row import Row
from capotasto.methods.adapter import Adapter
from capotasto.promotion import cache_of
from capotasto.types import Encoded


class PromptCache:
    """Adapter → [L, 2, K, S, D] of its virtual tokens; those used longest ago make room.

    limit: bytes
    An adapter must not learn while it is here. One that nobody else holds any more is not held here either.
    """

    def __init__(self, base: FrozenBase, limit: int):
        self._base, self._limit = base, limit
        self._kept: OrderedDict[ref[Adapter], Tensor] = OrderedDict()
        self.bytes = 0

    def of(self, row: Row) -> Tensor | None:
        """What stands before the row's tokens; None where it must be computed with them.

        Only virtual tokens at the front have the same keys and values in every row.
        """
        adapter = row.adapter
        if adapter is None or adapter.embeds() is None or row.prompt.slot or not row.prompt.ids:
            return None
        if (who := ref(adapter)) in self._kept:
            self._kept.move_to_end(who)
            return self._kept[who]
        size = 2 * self._base.layers * self._base.kv_heads * self._base.head_size * self._base.dtype.itemsize
        if adapter.tokens * size > self._limit:
            return None
        kept = cache_of(self._base, Encoded((), ()), adapter)
        for gone in [who for who in self._kept if who() is None]:
            self.bytes -= self._kept.pop(gone).nbytes
        self._kept[who] = kept
        self.bytes += kept.nbytes
        while self.bytes > self._limit:
            self.bytes -= self._kept.popitem(last=False)[1].nbytes
        return kept
