"""The only way the base is called: rows of a batch, each with its own adapter or none, through one frozen model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from capotasto.attention import StepView, TreeView, View, seen_through
from capotasto.base.frozen import FrozenBase
from capotasto.bidirectional import BidirectionalView
from capotasto.changes import Change, changed
from capotasto.layout import Layout, Path, lay_out
from capotasto.losses import Head
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded

Cache = dict[int, tuple[Tensor, Tensor]]  # layer → keys and values [B, K, S, D]


@dataclass(slots=True)
class Hidden:
    """The base's last hidden states for a batch.

    states: [N, H] at the flat positions of `layout`
    slots:  for each row (slot, P): its P virtual tokens stand before its token number `slot`
    ghosts: for each row the number of virtual tokens that have keys and values only, before everything
    cache:  if asked for
    """

    states: Tensor
    layout: Layout
    slots: list[tuple[int, int]]
    ghosts: list[int]
    cache: Cache | None = None

    def before(self, row: int, token: int) -> int:
        """The flat position whose state predicts `token` of `row`; −1 if no state stands before it."""
        slot, virtual = self.slots[row]
        place = token + (virtual if token >= slot else 0)
        return int(self.layout.paths[row][self.ghosts[row] + place - 1]) if place else -1

    def last(self) -> Tensor:
        """[B] flat positions of each row's last symbol: what they say of the next token."""
        ends = [int(path[-1]) for path in self.layout.paths]
        return torch.tensor(ends, device=self.states.device)


def apart(adapters: Sequence[Adapter | None]) -> list[list[int]]:
    """Row numbers in groups that may share a batch: an adapter with a model of its own goes alone."""
    groups: dict[int, list[int]] = {}
    for row, adapter in enumerate(adapters):
        own = adapter is not None and adapter.body() is not None
        groups.setdefault(id(adapter) if own else 0, []).append(row)
    return list(groups.values())


def run(base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], keep: bool = False) -> Hidden:
    """Run `batch` through the base; row i carries `adapters[i]`, None is the bare base.

    Rows may carry different adapters of different lengths. What rows of one adapter have in common at their beginning
    is computed once, unless the base is an encoder. With `keep`, keys and values are returned for decoding. Gradients
    flow to the adapters only.
    """
    distinct = list({id(adapter): adapter for adapter in adapters if adapter is not None}.values())
    index = {id(adapter): i for i, adapter in enumerate(distinct)}
    vectors = [adapter.embeds() for adapter in distinct]  # each [P, E] or None
    caches = [adapter.kv() for adapter in distinct]  # each [L, 2, K, P, D] or None
    paths, slots, ghosts = [], [], []
    for row, adapter in zip(batch, adapters, strict=True):
        which = index[id(adapter)] if adapter is not None else -1
        virtual = _count(vectors[which], 0) if adapter is not None else 0
        ghost = _count(caches[which], 3) if adapter is not None else 0
        own = range(-1 - ghost, -1 - ghost - virtual, -1)
        symbols = (*range(-1, -1 - ghost, -1), *row.ids[: row.slot], *own, *row.ids[row.slot :])
        paths.append(Path(symbols, which, ghost))
        slots.append((row.slot, virtual))
        ghosts.append(ghost)
    layout = lay_out(paths, base.device, share=not base.is_encoder)
    kind = BidirectionalView if base.is_encoder else TreeView
    view = kind(layout, [cache for which in layout.ghosts if (cache := caches[which]) is not None], keep)
    model = model_of(base, adapters)
    changes = [Change(*layout.spans[i], adapter.deltas()) for i, adapter in enumerate(distinct)]
    positions = layout.positions + base.first_position
    states = _call(model, _embed(model, layout, vectors), positions, view, changes)
    return Hidden(states, layout, slots, ghosts, view.kept)


def step(base: FrozenBase, tokens: Tensor, cache: Cache, lengths: Tensor, adapters: Sequence[Adapter | None]) -> Tensor:
    """One more token for each row; row i carries `adapters[i]`.

    tokens:  [B] token ids, at positions `lengths` [B]
    cache:   with S > max(lengths); the new keys and values are written into it
    returns: [B, H] last hidden states
    """
    model, changes, row = model_of(base, adapters), [], 0
    for _, same in groupby(adapters, key=id):
        rows = list(same)
        if rows[0] is not None:
            changes.append(Change(row, row + len(rows), rows[0].deltas()))
        row += len(rows)
    embeds = model.get_input_embeddings()(tokens)
    return _call(model, embeds, lengths, StepView(cache, lengths), changes)


def head(base: FrozenBase, adapters: Sequence[Adapter | None] = ()) -> Head:
    """The output layer of the model that these rows run through."""
    layer = model_of(base, adapters).get_output_embeddings()
    learns = type(layer) is not nn.Linear or any(parameter.requires_grad for parameter in layer.parameters())
    cap = getattr(base.config, "final_logit_softcapping", None)
    return Head(layer.weight, getattr(layer, "bias", None), cap, layer if learns else None)


def logits(base: FrozenBase, states: Tensor, adapters: Sequence[Adapter | None] = ()) -> Tensor:
    """[.., H] hidden states → [.., V] logits in at least fp32, with the architecture's own final scaling."""
    layer = model_of(base, adapters).get_output_embeddings()
    return head(base, adapters).capped(layer(states))


def model_of(base: FrozenBase, adapters: Sequence[Adapter | None]) -> PreTrainedModel:
    """The base's model, or the one that all these rows share."""
    first = adapters[0] if adapters else None
    own = first.body() if first is not None else None
    return base.model if own is None else own


def _count(tensor: Tensor | None, axis: int) -> int:
    return 0 if tensor is None else tensor.shape[axis]


def _embed(model: PreTrainedModel, layout: Layout, vectors: list[Tensor | None]) -> Tensor:
    """[N, E] input embeddings: the model's own at tokens, the adapters' at virtual tokens."""
    flat = model.get_input_embeddings()(layout.ids)
    pieces, place = [], 0
    for adapter, start in layout.virtual:
        own = vectors[adapter]
        assert own is not None
        virtual = own.to(flat.dtype)
        pieces += [flat[place:start], virtual]
        place = start + len(virtual)
    return torch.cat([*pieces, flat[place:]]) if pieces else flat


def _call(model: nn.Module, embeds: Tensor, positions: Tensor, view: View, changes: Sequence[Change]) -> Tensor:
    """The model's decoder on one flat sequence: [N, E], [N] → [N, H]."""
    with seen_through(view), changed(model, changes):
        out = cast(Any, model).base_model(inputs_embeds=embeds[None], position_ids=positions[None], use_cache=False)
    return out.last_hidden_state[0]
