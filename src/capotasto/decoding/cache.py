"""Keys and values of the rows that are being written: dense in rows, with room for rows and tokens to come."""

from collections.abc import Sequence
from contextlib import suppress

from capotasto.base.frozen import FrozenBase
from capotasto.forward import Cache, model_of
from capotasto.methods.adapter import Adapter

ROWS = 4  # room is made for so many more rows at a time, once there are some
PLACES = 64  # and for so many more places


def bytes_of(base: FrozenBase, rows: int, places: int, adapter: Adapter | None = None) -> int:
    """Memory that so many rows of so many places take at most; `adapter` may have a model of its own, with wider
    numbers."""
    numbers = base.layers * 2 * base.kv_heads * base.head_size
    return _rows(rows) * _up(places, PLACES) * numbers * model_of(base, [adapter]).dtype.itemsize


class RowCache:
    """Rows 0 to n − 1 of [B, K, S, D] per layer; rows come in at the end, and the last one moves into a hole.

    Whatever stands behind a row's last place is finite: masked values still enter a product with 0.
    lengths: places filled in each row
    """

    def __init__(self) -> None:
        self.layers: Cache = {}
        self.lengths: list[int] = []
        self._rows = self._width = 0

    @property
    def bytes(self) -> int:
        """Memory it holds."""
        return sum(part.nbytes for pair in self.layers.values() for part in pair)

    def join(self, kept: Cache, chosen: Sequence[int], lengths: Sequence[int], most: int) -> None:
        """Take in these rows of `kept` [B, K, S, D], with so many places each. No row will ever take more than `most`
        places. Where there is no memory for them, nothing has changed."""
        self.make_room(most, kept, lengths)
        first = len(self.lengths)
        for layer, pair in kept.items():
            for own, new in zip(self.layers[layer], pair, strict=True):
                for row, (which, length) in enumerate(zip(chosen, lengths, strict=True), first):
                    own[row, :, :length] = new[which, :, :length]
                    own[row, :, length:] = 0
        self.lengths += lengths

    def leave(self, row: int) -> None:
        """Forget a row; the last one takes its place. What is more than half empty becomes smaller."""
        last = len(self.lengths) - 1
        if row < last:
            for pair in self.layers.values():
                for own in pair:
                    own[row] = own[last]
        self.lengths[row] = self.lengths[last]
        self.lengths.pop()
        if not self.lengths:
            self.layers, self._rows, self._width = {}, 0, 0
        elif 2 * _rows(last) <= self._rows:
            with suppress(RuntimeError, MemoryError):  # no memory for a smaller one: the larger one stays
                self._resize(last, max(self.lengths) + 1, self.layers)

    def make_room(self, most: int, kept: Cache | None = None, lengths: Sequence[int] = ()) -> None:
        """Room for one more place in every row; also in rows of `kept`, with so many places each, that may join."""
        every = [*self.lengths, *lengths]
        rows, width = len(every), max(every) + 1
        if width > self._width:  # long rows are given a quarter more, because all is copied
            width = max(width, min(self._width * 5 // 4, most))
        if rows > self._rows or width > self._width:
            self._resize(rows, width, self.layers if kept is None else kept)

    def advance(self) -> None:
        """That place is filled."""
        self.lengths = [length + 1 for length in self.lengths]

    def _resize(self, rows: int, width: int, like: Cache) -> None:
        """Room for so many rows and places, in steps; what stands there stays. `like` has the shapes."""
        rows, width = _rows(rows), _up(width, PLACES)
        self._rows, self._width = min(rows, self._rows), min(width, self._width)  # of all layers, should memory end
        used, filled = len(self.lengths), max(self.lengths, default=0)
        for layer, (key, value) in list(like.items()):
            new = [part.new_empty(rows, part.shape[1], width, part.shape[3]) for part in (key, value)]
            for own, before in zip(new, self.layers.get(layer, ()), strict=False):
                own[:used, :, :filled] = before[:used, :, :filled]
                own[:used, :, filled:] = 0
            self.layers[layer] = (new[0], new[1])
        self._rows, self._width = rows, width


def _rows(count: int) -> int:
    """A few long rows are given no more than they need."""
    return count if count < ROWS else _up(count, ROWS)


def _up(count: int, step: int) -> int:
    return -(-count // step) * step
