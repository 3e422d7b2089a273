"""Where every token of a batch stands when common beginnings are computed once.

The rows of a batch are laid out as one flat sequence of N positions without any padding, and behind them G ghosts:
places that have keys and values but are not computed (an adapter's prefix). Rows of the same adapter
that begin alike (the adapter's virtual tokens, a chat template's header, the same question before each of its
possible answers) share those positions: they form a tree, and each row is a path from its root to a leaf.
Causal attention makes this exact, gradients included: what a position computes depends only on what stands before it.
Where it depends on the whole row (encoders), rows share nothing but ghosts, which compute nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

SHARE = 8  # positions that sharing must save before it is worth a branch


@dataclass(frozen=True, slots=True)
class Path:
    """One row: its symbols in order and what belongs to it.

    symbols: [S] token ids, and −1−j for virtual token j
    adapter: index into the batch's distinct adapters, or −1 for the bare base
    ghosts:  so many of the adapter's virtual tokens, the first ones, are ghosts and begin the row
    """

    symbols: tuple[int, ...]
    adapter: int
    ghosts: int = 0


@dataclass(slots=True)
class Rows:
    """Rows of a flat batch side by side: B rows, S places in the longest.

    gather:  [B, S] flat position of each row's place, padded on the right with the row's own last one
    lengths: [B]
    home:    [N] index into B·S of the one place where a flat position's attention output is read
    again:   (from [X] into B·S, to [X] into N): the other visits, whose gradients are added
    """

    gather: Tensor
    lengths: Tensor
    home: Tensor
    again: tuple[Tensor, Tensor]


@dataclass(slots=True)
class Layout:
    """A flat batch. N flat positions, G ghosts behind them, B rows, P virtual tokens.

    ids:       [N] token ids (0 at virtual tokens)
    positions: [N] position within the row
    virtual:   (adapter index, flat start) of each place where virtual tokens stand
    ghosts:    adapter indices, in the order in which their ghosts stand
    seen:      the rows with their ghosts, over N + G: what has keys and values
    asking:    the rows without their ghosts, over N: what has queries; the same where there are no ghosts
    paths:     B lists of flat positions
    spans:     adapter index → (flat start, stop): an adapter's positions stand together, ghosts apart
    """

    ids: Tensor
    positions: Tensor
    virtual: list[tuple[int, int]]
    ghosts: list[int]
    seen: Rows
    asking: Rows
    paths: list[np.ndarray]
    spans: dict[int, tuple[int, int]]


@dataclass(slots=True)
class _Flat:
    """The flat sequence while it grows."""

    symbols: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    paths: dict[int, list[int]] = field(default_factory=dict)

    def append(self, symbols: Sequence[int], depth: int) -> list[int]:
        start = len(self.symbols)
        self.symbols.extend(symbols)
        self.positions.extend(range(depth, depth + len(symbols)))
        return list(range(start, start + len(symbols)))


def lay_out(paths: Sequence[Path], device: torch.device | str = "cpu", share: bool = True) -> Layout:
    """Arrange rows so that each adapter's positions are contiguous and, with `share`, common beginnings stand once."""
    flat, spans, ghosts = _Flat(), {}, {}
    for adapter in sorted({path.adapter for path in paths}):
        start = len(flat.symbols)
        rows = [i for i, path in enumerate(paths) if path.adapter == adapter]
        ghosts[adapter] = paths[rows[0]].ghosts
        stem = flat.append(paths[rows[0]].symbols[: ghosts[adapter]], 0)
        for branch in [rows] if share else [[row] for row in rows]:
            _grow(flat, paths, branch, stem)
        spans[adapter] = (start, len(flat.symbols))
    return _finish(flat, [np.array(flat.paths[i], dtype=np.int64) for i in range(len(paths))], spans, ghosts, device)


def _grow(flat: _Flat, paths: Sequence[Path], rows: list[int], stem: list[int]) -> None:
    """Append the subtree of `rows`, which all begin with what stands at the flat positions `stem`."""
    depth = len(stem)
    if len(rows) == 1:
        flat.paths[rows[0]] = stem + flat.append(paths[rows[0]].symbols[depth:], depth)
        return
    common = _common([paths[row].symbols for row in rows])
    if common > depth:
        stem = stem + flat.append(paths[rows[0]].symbols[depth:common], depth)
    for branch in _branches(paths, rows, common):
        _grow(flat, paths, branch, stem)


def _branches(paths: Sequence[Path], rows: list[int], depth: int) -> Iterator[list[int]]:
    """Rows that go on together after `depth`, if that saves enough; every other row by itself."""
    together: dict[int | None, list[int]] = {}
    for row in rows:
        symbols = paths[row].symbols
        together.setdefault(symbols[depth] if depth < len(symbols) else None, []).append(row)
    for branch in together.values():
        common = _common([paths[row].symbols for row in branch]) - depth
        if len(branch) > 1 and common * (len(branch) - 1) >= SHARE:
            yield branch
        else:
            yield from ([row] for row in branch)


def _common(symbols: Sequence[tuple[int, ...]]) -> int:
    """How many symbols all of them begin with; the least and the greatest differ first."""
    first, last = min(symbols), max(symbols)
    return next((i for i, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))


def _finish(
    flat: _Flat,
    paths: list[np.ndarray],
    spans: dict[int, tuple[int, int]],
    ghosts: dict[int, int],
    device: torch.device | str,
) -> Layout:
    order = _ghosts_last(len(flat.symbols), spans, ghosts)
    place = np.argsort(order)  # where each position stands once the ghosts are behind
    real_count = len(order) - sum(ghosts.values())
    symbols, positions = np.array(flat.symbols)[order][:real_count], np.array(flat.positions)[order][:real_count]
    spans = _without_ghosts(spans, ghosts)
    paths = [place[path] for path in paths]
    seen = _side_by_side(paths, device)
    return Layout(
        ids=_tensor(np.maximum(symbols, 0), device),
        positions=_tensor(positions, device),
        virtual=_virtual(symbols, spans, ghosts),
        ghosts=[adapter for adapter, count in ghosts.items() if count],
        seen=seen,
        asking=_side_by_side([path[path < real_count] for path in paths], device) if any(ghosts.values()) else seen,
        paths=paths,
        spans=spans,
    )


def _side_by_side(paths: Sequence[np.ndarray], device: torch.device | str) -> Rows:
    """Rows that visit these flat positions, each of which at least one of them visits."""
    lengths = np.array([len(path) for path in paths])
    width = int(lengths.max())
    gather = np.empty((len(paths), width), dtype=np.int64)
    for row, path in enumerate(paths):
        gather[row, : len(path)] = path
        gather[row, len(path) :] = path[-1]  # its own: masked values enter a product with 0, which NaN survives
    real = np.arange(width)[None, :] < lengths[:, None]  # [B, S]
    places = np.flatnonzero(real)
    visited = gather.reshape(-1)[places]
    _, first = np.unique(visited, return_index=True)  # every flat position is visited, so this is in flat order
    others = np.delete(np.arange(len(places)), first)
    again = _tensor(places[others], device), _tensor(visited[others], device)
    return Rows(_tensor(gather, device), _tensor(lengths, device), _tensor(places[first], device), again)


def _tensor(values: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.as_tensor(values, dtype=torch.long).to(device)


def _ghosts_last(count: int, spans: dict[int, tuple[int, int]], ghosts: dict[int, int]) -> np.ndarray:
    """The flat positions, those of ghosts behind all others; each adapter's ghosts begin its span."""
    ghostly = np.zeros(count, dtype=bool)
    for adapter, (start, _) in spans.items():
        ghostly[start : start + ghosts[adapter]] = True
    return np.concatenate([np.flatnonzero(~ghostly), np.flatnonzero(ghostly)])


def _without_ghosts(spans: dict[int, tuple[int, int]], ghosts: dict[int, int]) -> dict[int, tuple[int, int]]:
    left, start = {}, 0
    for adapter, (first, last) in spans.items():
        left[adapter] = (start, start + last - first - ghosts[adapter])
        start = left[adapter][1]
    return left


def _virtual(symbols: np.ndarray, spans: dict[int, tuple[int, int]], ghosts: dict[int, int]) -> list[tuple[int, int]]:
    """Once per adapter where all its rows begin alike; more often where what stands before the slot differs."""
    return [
        (adapter, start + int(place))
        for adapter, (start, stop) in spans.items()
        for place in np.flatnonzero(symbols[start:stop] == -1 - ghosts[adapter])
    ]
