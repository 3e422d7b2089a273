"""Attention over a flat batch: the one operation of the model that knows which positions form a row.

The base's own attention modules compute queries, keys and values for all N flat positions and call `attend` through
transformers' attention interface. What happens there is decided by the view in force: `TreeView` for whole rows
(training, scoring, prefill), `StepView` for one new token a row over a cache of keys and values.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from capotasto.errors import BaseError
from capotasto.gates import Gate, through
from capotasto.layout import Layout, Rows

NAME = "capotasto"


class View(Protocol):
    """How the flat positions of a batch see each other."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, form: "Form") -> Tensor:
        """query [N, Hq, D], key and value [N, K, D] → [N, Hq, D]."""
        ...


class Form:
    """What an architecture adds to plain scaled dot-product attention.

    scale:   factor on the scores
    window:  a position sees only this many positions up to itself (sliding window), or None
    softcap: scores are squashed to ±softcap (Gemma 2, https://arxiv.org/abs/2408.00118 section 2), or None
    slopes:  [Hq] ALiBi slopes (https://arxiv.org/abs/2108.12409 section 3), or None
    """

    __slots__ = ("scale", "slopes", "softcap", "window")

    def __init__(self, scale: float, window: int | None, softcap: float | None, slopes: Tensor | None):
        self.scale, self.window, self.softcap, self.slopes = scale, window, softcap, slopes

    def scores(self, query: Tensor, key: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Masked attention of query [B, Hq, Q, D] on key [B, Hq, S, D] as scores [B, Hq, Q, S].

        rows, columns: [B, Q] and [B, S] positions; a column is seen where it is not later than the row.
        """
        scores = query @ key.transpose(-1, -2) * self.scale
        if self.softcap is not None:
            scores = self.softcap * torch.tanh(scores / self.softcap)
        if self.slopes is not None:
            scores = scores + self.slopes.to(scores)[None, :, None, None] * columns[:, None, None, :].to(scores)
        distance = rows[:, None, :, None] - columns[:, None, None, :]  # [B, 1, Q, S]
        seen = distance >= 0 if self.window is None else (distance >= 0) & (distance < self.window)
        return scores.masked_fill(~seen, torch.finfo(scores.dtype).min)

    def plain(self, width: int) -> bool:
        """True where nothing but the causal order limits attention among `width` positions."""
        return self.softcap is None and self.slopes is None and (self.window is None or self.window >= width)


def softmax_attention(scores: Tensor, value: Tensor) -> Tensor:
    """[B, Hq, Q, S] scores on [B, Hq, S, D] values → [B, Hq, Q, D]; the softmax runs in at least fp32."""
    wide = torch.promote_types(scores.dtype, torch.float32)
    return torch.softmax(scores, dim=-1, dtype=wide).to(value.dtype) @ value


class _Gather(torch.autograd.Function):
    """[N, F] → [B·S, F]. Backward reads each position's home and adds the other visits: no scatter over all."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, rows: Rows) -> Tensor:
        ctx.places = rows
        return flat.index_select(0, rows.gather.view(-1))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        source, target = ctx.places.again
        flat = gradient.index_select(0, ctx.places.home)
        if len(source):
            flat.index_add_(0, target, gradient.index_select(0, source))
        return flat, None


class _Home(torch.autograd.Function):
    """[B·S, F] → [N, F] by the indices [N]. Positions that were computed again, and padding, get no gradient."""

    @staticmethod
    def forward(ctx: Any, padded: Tensor, home: Tensor) -> Tensor:
        ctx.home, ctx.rows = home, len(padded)
        return padded.index_select(0, home)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        padded = gradient.new_zeros(ctx.rows, gradient.shape[1])
        return padded.index_copy_(0, ctx.home, gradient), None


class TreeView:
    """Whole rows: every row's positions are gathered side by side and attend causally. Without ghosts no mask is
    needed, because padding stands on the right, where no real position looks; ghosts ask nothing, and a mask says how
    many of them stand before a row.

    ghosts: what stands at the layout's ghosts, in its order: of each adapter, layer by layer, keys and values
            [2, K, P, D]
    gates:  what comes to positions through gates
    keep:   each layer's keys and values are kept for decoding as [B, K, S, D]
    """

    def __init__(
        self,
        layout: Layout,
        ghosts: Sequence[Sequence[Tensor]] = (),
        gates: Sequence[Gate] = (),
        keep: bool = False,
    ):
        self.layout, self.ghosts, self.gates = layout, ghosts, gates
        self.kept: dict[int, tuple[Tensor, Tensor]] | None = {} if keep else None
        self._seen = self._mask()

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        """See `View.attend`."""
        if self.ghosts:
            key = torch.cat([key, *(ghost[layer][0].transpose(0, 1).to(key) for ghost in self.ghosts)])
            value = torch.cat([value, *(ghost[layer][1].transpose(0, 1).to(value) for ghost in self.ghosts)])
        q, k, v = _rows(query, self.layout.asking), _rows(key, self.layout.seen), _rows(value, self.layout.seen)
        if self.kept is not None:
            self.kept[layer] = (k, v)
        groups = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        out = self._weighted(q, k, v, form)
        padded = out.transpose(1, 2).flatten(0, 1).flatten(1)  # [B·Q, Hq·D]
        home = _Home.apply(padded, self.layout.asking.home).view(query.shape)
        return through(self.gates, layer, query, home, form.scale)

    def _weighted(self, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        """[B, Hq, Q, D] on [B, Hq, S, D] → [B, Hq, Q, D]."""
        if form.plain(key.shape[2]):
            causal = self._seen is None
            return F.scaled_dot_product_attention(query, key, value, self._seen, is_causal=causal, scale=form.scale)
        return softmax_attention(form.scores(query, key, *self._places()), value)

    def _mask(self) -> Tensor | None:
        """[B, 1, Q, S] what each place sees, where that is more than the places up to its own number."""
        if not self.ghosts:
            return None
        rows, columns = self._places()
        return (columns[:, None, :] <= rows[:, :, None])[:, None]

    def _places(self) -> tuple[Tensor, Tensor]:
        """[B, Q] and [B, S]: where in its row each query, and each key, stands."""
        asking, seen = self.layout.asking, self.layout.seen
        ghosts = seen.lengths - asking.lengths
        rows, columns = (torch.arange(one.gather.shape[1], device=ghosts.device) for one in (asking, seen))
        return ghosts[:, None] + rows, columns.expand(len(ghosts), -1)


def _rows(flat: Tensor, rows: Rows) -> Tensor:
    """[N, heads, D] → [B, heads, S, D]."""
    padded = _Gather.apply(flat.flatten(1), rows)
    return padded.view(*rows.gather.shape, *flat.shape[1:]).transpose(1, 2)


class StepView:
    """One new token for each of B rows, over the first B of cached keys and values [.., K, S, D], of which `lengths`
    are filled."""

    def __init__(self, cache: dict[int, tuple[Tensor, Tensor]], lengths: Tensor, gates: Sequence[Gate] = ()):
        self.cache, self.lengths, self.gates = cache, lengths, gates
        self.rows = torch.arange(len(lengths), device=lengths.device)
        self.width = int(lengths.max()) + 1
        self.places = torch.arange(self.width, device=lengths.device).expand(len(lengths), self.width)
        self._mask: Tensor | None = None

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        """See `View.attend`; N is B here, and the new keys and values enter the cache."""
        return through(self.gates, layer, query, self._attend(layer, query, key, value, form), form.scale)

    def _attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, form: Form) -> Tensor:
        keys, values = self.cache[layer]
        keys[self.rows, :, self.lengths] = key
        values[self.rows, :, self.lengths] = value
        keys, values = keys[: len(query), :, : self.width], values[: len(query), :, : self.width]
        rows, heads, size = query.shape
        groups = heads // keys.shape[1]
        q = query.view(rows, heads, 1, size)
        if form.plain(self.width):
            folded = q.view(rows, keys.shape[1], groups, size)  # the queries that share a key/value head, together
            mask = self._added(query)
            out = F.scaled_dot_product_attention(folded, keys, values, attn_mask=mask, scale=form.scale)
            return out.reshape(query.shape)
        k, v = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
        return softmax_attention(form.scores(q, k, self.lengths[:, None], self.places), v).view(query.shape)

    def _added(self, query: Tensor) -> Tensor:
        """[B, 1, 1, S] what is added to scores: nothing up to a row's own place; the same in every layer."""
        if self._mask is None:
            unseen = self.places > self.lengths[:, None]
            self._mask = query.new_zeros(unseen.shape).masked_fill_(unseen, -torch.inf)[:, None, None, :]
        return self._mask


_view: ContextVar[View] = ContextVar("view")


@contextmanager
def seen_through(view: View) -> Iterator[None]:
    """Calls of the model inside the block attend through `view`."""
    token = _view.set(view)
    try:
        yield
    finally:
        _view.reset(token)


def attend(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **extra: Any) -> Any:
    """transformers' attention interface: query [1, Hq, N, D], key and value [1, K, N, D] → ([1, N, Hq, D], None)."""
    if extra.get("s_aux") is not None:
        raise BaseError(f"{type(module).__name__} uses attention sinks, which are not supported; choose another base")
    scale = extra.get("scaling")
    form = Form(
        scale=query.shape[-1] ** -0.5 if scale is None else float(scale),
        window=extra.get("sliding_window"),
        softcap=extra.get("softcap"),
        slopes=extra.get("alibi_slopes"),
    )
    flat = [tensor[0].transpose(0, 1) for tensor in (query, key, value)]
    out = _view.get().attend(module.layer_idx, flat[0], flat[1], flat[2], form)
    return out.unsqueeze(0), None


ALL_ATTENTION_FUNCTIONS.register(NAME, attend)
