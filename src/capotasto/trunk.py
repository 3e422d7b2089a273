"""States of frozen lower layers, computed once and kept on disk: one memory-mapped file for each place in a base."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.methods.linears import layer_of
from capotasto.records import disk_error, read_json, write_json
from capotasto.types import Encoded
from capotasto.wheels import home

CHANGED = "weights_changed"  # a mark on a base's model whose weights are not its own for the time being


@dataclass(frozen=True, slots=True)
class Place:
    """Which states are kept.

    depth:   those that enter layer `depth`; at L, the number of layers, the last ones
    before:  hash of the keys and values that stand before each row in the layers below; empty: none do
    pooling: at depth L one state a row is kept, made in this way
    """

    depth: int
    before: str = ""
    pooling: str = ""

    @classmethod
    def behind(cls, cache: Tensor | None, depth: int) -> "Place":
        """What enters layer `depth` behind keys and values [L, 2, K, P, D] that do not learn below it."""
        if cache is None:
            return cls(depth)
        below = cache.detach()[:depth].contiguous().cpu()
        digest = hashlib.blake2b(f"{below.dtype} {tuple(below.shape)}".encode(), digest_size=12)
        digest.update(below.numpy().tobytes())
        return cls(depth, digest.hexdigest())

    @property
    def name(self) -> str:
        """As a file is called."""
        return "-".join(filter(None, (f"layer-{self.depth}", self.pooling, self.before and f"behind-{self.before}")))


@dataclass(slots=True)
class _Kept:
    """One file: where each row's states stand in it, in states."""

    path: Path
    width: int
    index: dict[str, tuple[int, int]] = field(default_factory=dict)  # key of a row → (start, count)
    end: int = 0
    mapped: Tensor | None = None


class Trunk:
    """The kept states of one base.

    folder: of this base; its parent holds those of all bases and is what `limit` bounds
    widths: H of the states that enter a layer, and of the last ones (opt-350m projects them down)
    limit:  bytes on disk; the files used longest ago make room for new ones
    """

    def __init__(self, folder: Path, widths: tuple[int, int], dtype: torch.dtype, limit: int):
        self.folder, self.widths, self.dtype, self.limit = folder, widths, dtype, limit
        self._files: dict[Place, _Kept] = {}

    @classmethod
    def of(cls, base: FrozenBase, gigabytes: float) -> "Trunk":
        """In the cache folder, with numbers as wide as the base's, so that what is read equals what is computed."""
        name = f"{base.fingerprint[:16]}-{str(base.dtype).removeprefix('torch.')}"
        output = base.model.get_output_embeddings()
        wide = int(base.config.hidden_size)
        widths = wide, wide if output is None else int(output.weight.shape[1])
        return cls(home() / "trunk" / name, widths, base.dtype, int(gigabytes * 1e9))

    def lock(self) -> FileLock:
        """To be held while states are added."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder.parent / ".lock")

    def open(self, place: Place) -> None:
        """Read what is kept at `place`."""
        kept = _Kept(self.folder / f"{place.name}.bin", self.widths[bool(place.pooling)])
        if _index(kept.path).exists():
            index = {key: (start, count) for key, (start, count) in read_json(_index(kept.path)).items()}
            end = max((start + count for start, count in index.values()), default=0)
            if kept.path.exists() and kept.path.stat().st_size >= self.bytes(place, end):
                kept.index, kept.end = index, end
                os.utime(kept.path)
        if kept.path.exists():
            os.truncate(kept.path, self.bytes(place, kept.end))  # what a crash left behind the last index
        self._files[place] = kept

    def room(self, place: Place, states: int) -> bool:
        """Make room for so many more states; False, and nothing will be kept at `place`, if there is none."""
        used = {one.path for one in self._files.values()}
        if _make_room(self.folder.parent, used, self.bytes(place, states), self.limit):
            return True
        del self._files[place]
        return False

    def bytes(self, place: Place, states: int) -> int:
        """On disk."""
        return states * self.widths[bool(place.pooling)] * self.dtype.itemsize

    def has(self, place: Place, row: Encoded) -> bool:
        """True if the row's states are kept."""
        return place in self._files and _key(row) in self._files[place].index

    def put(self, place: Place, rows: Sequence[Encoded], states: Sequence[Tensor]) -> None:
        """Add each row's [T, H] states (pooled: [1, H]). Errors: the disk is full."""
        kept = self._files[place]
        try:
            with kept.path.open("ab") as file:
                for row, own in zip(rows, states, strict=True):
                    file.write(own.to(self.dtype).contiguous().cpu().view(torch.uint8).numpy().tobytes())
                    kept.index[_key(row)] = (kept.end, len(own))
                    kept.end += len(own)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(kept.path, error) from error
        kept.mapped = None

    def settle(self, place: Place) -> None:
        """Write down where everything stands; what is not written down is computed again after a crash."""
        write_json(_index(self._files[place].path), self._files[place].index)

    def get(self, place: Place, rows: Sequence[Encoded]) -> Tensor | None:
        """[sum of T, H], row after row; None unless all of them are kept."""
        if not all(self.has(place, row) for row in rows):
            return None
        kept = self._files[place]
        if kept.mapped is None:
            flat = torch.from_file(str(kept.path), shared=False, size=kept.end * kept.width, dtype=self.dtype)
            kept.mapped = flat.view(-1, kept.width)
        spans = [kept.index[_key(row)] for row in rows]
        return torch.cat([kept.mapped[start : start + count] for start, count in spans])


def depth_of(base: FrozenBase, adapter: Adapter | None) -> int:
    """The lowest layer in which an adapter learns, L if none: below it a row's states never change. They are those of
    the bare base, or of the base behind keys and values that stay as they are (see `Place.behind`)."""
    if adapter is None:
        return base.layers
    if adapter.body() is not None or adapter.embeds() is not None:
        return 0
    found = [base.layers, *map(layer_of, adapter.deltas()), *(layer for one in adapter.gated() for layer in one)]
    if adapter.kv() is not None:
        found.append(adapter.learns_from())
    return max(0, min(found))  # outside of layers: 0


def place_of_head(base: FrozenBase, adapter: Adapter | None) -> Place | None:
    """Where the states stand that an adapter reads which is a head and changes nothing; None for any other."""
    head = None if adapter is None else adapter.head()
    if head is None or depth_of(base, adapter) < base.layers:
        return None
    return Place(base.layers, pooling=str(head.pooling))


def _index(path: Path) -> Path:
    return path.with_suffix(".json")


def _key(row: Encoded) -> str:
    """By content: a row's states follow from its token ids."""
    return hashlib.blake2b(np.asarray(row.ids, dtype=np.int32).tobytes(), digest_size=12).hexdigest()


def _make_room(root: Path, used: set[Path], wanted: int, limit: int) -> bool:
    """Remove files used longest ago until `wanted` more bytes fit under `limit`; False, and nothing removed, if they
    never will."""
    sizes = {path: path.stat().st_size for path in root.glob("*/*.bin")}
    if sum(size for path, size in sizes.items() if path in used) + wanted > limit:
        return False
    for path in sorted(set(sizes) - used, key=lambda one: one.stat().st_mtime):
        if sum(sizes.values()) + wanted <= limit:
            break
        _index(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        del sizes[path]
    return True
