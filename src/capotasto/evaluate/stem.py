"""A long beginning that many rows have in common, computed once for all their batches."""

from collections.abc import Sequence

from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.promotion import cache_of
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded

Ids = tuple[int, ...]
_WORTH = 64  # tokens from which on a pass of its own takes less time than having every row look at them again


class Stem:
    """The keys and values of a beginning; one that the next batch has too is kept.

    The layout computes a beginning once in a batch, but there every row's attention goes over it again, in each batch.
    """

    def __init__(self, base: FrozenBase, renderer: Renderer, adapter: Adapter | None):
        self._base, self._renderer, self._adapter = base, renderer, adapter
        self._ids: Ids = ()
        self._cache: Tensor | None = None

    def before(self, rows: Sequence[Ids], limit: int) -> tuple[list[Encoded], Tensor | None]:
        """What is to be computed of each row, and keys and values [L, 2, K, S, D] that stand before all of them.

        limit: so many of a row's first tokens may be left out at most
        """
        self._take(min(rows)[: min(limit, common(min(rows), max(rows)))], alone=len(rows) == 1)
        if self._cache is None:
            return [self._renderer.given(row) for row in rows], None
        rests = [row[len(self._ids) :] for row in rows]
        return [Encoded(rest, (False,) * len(rest)) for rest in rests], self._cache

    @property
    def length(self) -> int:
        """Tokens that are left out."""
        return len(self._ids)

    def _take(self, ids: Ids, alone: bool) -> None:
        """Have the beginning of these, or go on with a part of them that is there already."""
        known = bool(self._ids) and ids[: len(self._ids)] == self._ids
        if known and (alone or len(ids) <= 2 * len(self._ids)):
            return
        self._ids, self._cache = (), None
        if len(ids) >= _WORTH and not alone:
            self._ids, self._cache = ids, cache_of(self._base, self._renderer.given(ids), self._adapter)


def common(one: Ids, other: Ids) -> int:
    """How many tokens both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
