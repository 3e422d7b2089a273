"""The only way the base is called: rows of a batch, each with its own adapter or none, through one frozen model."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from capotasto.attention import StepView, TreeView, View, seen_through
from capotasto.base.frozen import FrozenBase
from capotasto.bidirectional import BidirectionalView
from capotasto.changes import Change, changed
from capotasto.embedding import at_tokens, embed
from capotasto.gates import Gate
from capotasto.joint import Joint
from capotasto.layout import Layout, Path, lay_out
from capotasto.losses import Head
from capotasto.methods.adapter import Adapter
from capotasto.skipping import Reached, known, layers_of, starting_at, stopping_at
from capotasto.trunk import Place, Trunk, depth_of
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


def run(
    base: FrozenBase,
    batch: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    keep: bool = False,
    noise: Sequence[Tensor | None] = (),
    trunk: Trunk | None = None,
    before: Sequence[Tensor | None] = (),
) -> Hidden:
    """Run `batch` through the base; row i carries `adapters[i]`, None is the bare base.

    Rows may carry different adapters of different lengths, and an adapter something of its own for each task. What rows
    of one adapter have in common at their beginning is computed once, unless the base is an encoder. With `keep`, keys
    and values are returned for decoding. Gradients flow to the adapters only.
    noise: for each row what is added to its tokens' embeddings, [T, E] or None; rows that begin alike must be given
           alike noise there
    trunk: layers in which no adapter of the batch learns are read from it where it has them; not with noise
    before: for each row what is known already of what stands before its tokens, its virtual tokens included: keys and
            values [L, 2, K, S, D] or None
    """
    adapters = [adapter and adapter.of_task(row.task) for row, adapter in zip(batch, adapters, strict=True)]
    carried = list(zip(adapters, before or [None] * len(batch), strict=True))
    kinds = {(id(adapter), id(past)): (adapter, past) for adapter, past in carried if adapter or past is not None}
    index = {kind: i for i, kind in enumerate(kinds)}
    distinct = [adapter for adapter, _ in kinds.values()]
    vectors = [adapter.embeds() if adapter and past is None else None for adapter, past in kinds.values()]  # [P, E]
    caches = [adapter.kv() if adapter and past is None else past for adapter, past in kinds.values()]
    paths, slots, ghosts = [], [], []
    for row, (adapter, past) in zip(batch, carried, strict=True):
        which = index.get((id(adapter), id(past)), -1)
        virtual = _count(vectors[which], 0) if which >= 0 else 0
        ghost = _count(caches[which], 3) if which >= 0 else 0
        own = range(-1 - ghost, -1 - ghost - virtual, -1)
        symbols = (*range(-1, -1 - ghost, -1), *row.ids[: row.slot], *own, *row.ids[row.slot :])
        paths.append(Path(symbols, which, ghost))
        slots.append((row.slot, virtual))
        ghosts.append(ghost)
    layout = lay_out(paths, base.device, share=not base.is_encoder)
    learning = [0 if adapter is None else adapter.learns_from() for adapter in distinct]
    standing = [_by_layer(cast(Tensor, caches[which]), learning[which]) for which in layout.ghosts]
    gates = [Gate(*layout.spans[i], one) for i, adapter in enumerate(distinct) if adapter for one in adapter.gated()]
    view = _view(base)(layout, standing, gates, keep)
    model = model_of(base, adapters)
    changes = [Change(*layout.spans[i], adapter.deltas()) for i, adapter in enumerate(distinct) if adapter]
    added = at_tokens(layout, slots, ghosts, noise)
    depth = 0 if trunk is None or keep else min((depth_of(base, one) for one in distinct if one), default=base.layers)
    lower = None if trunk is None else _lower(base, trunk, batch, layout, paths, caches, depth)
    with nullcontext() if lower is None else starting_at(layers_of(model, base.layers), depth, lower):
        positions = layout.positions + base.first_position
        states = _call(model, embed(model, layout, vectors, added), positions, view, changes)
    return Hidden(states, layout, slots, ghosts, view.kept)


@torch.no_grad()
def up_to(base: FrozenBase, batch: Sequence[Encoded], depth: int, before: Tensor | None = None) -> list[Tensor]:
    """Each row's states [T, H] that enter layer `depth` of the base; the last states at depth L.

    before: keys and values [L, 2, K, P, D] that stand before each row
    """
    ghost = _count(before, 3)
    paths = [Path((*range(-1, -1 - ghost, -1), *row.ids), 0 if ghost else -1, ghost) for row in batch]
    layout = lay_out(paths, base.device, share=not base.is_encoder)
    view = _view(base)(layout, [] if before is None else [before.unbind()])
    layers, embeds = layers_of(base.model, base.layers), embed(base.model, layout, [], [])
    with stopping_at(layers, depth) if depth < base.layers else nullcontext():
        try:
            states = _call(base.model, embeds, layout.positions + base.first_position, view, [])
        except Reached as reached:
            states = reached.states[0]
    return [states[torch.as_tensor(path[ghost:], device=states.device)] for path in layout.paths]


def _view(base: FrozenBase) -> type[TreeView]:
    """How positions of whole rows see each other."""
    return BidirectionalView if base.is_encoder else TreeView


def _lower(
    base: FrozenBase,
    trunk: Trunk,
    batch: Sequence[Encoded],
    layout: Layout,
    paths: Sequence[Path],
    caches: Sequence[Tensor | None],
    depth: int,
) -> Tensor | None:
    """[1, N, H] states that enter layer `depth`, from the trunk; None if it does not have them all."""
    if not 0 < depth < base.layers:
        return None
    places = [Place.behind(cache, depth) for cache in (*caches, None)]  # the last one is the bare base's, adapter −1
    found = [trunk.get(places[path.adapter], [row]) for row, path in zip(batch, paths, strict=True)]
    kept = [states for states in found if states is not None]
    if len(kept) < len(batch):
        return None
    if not known(layers_of(base.model, base.layers)):
        up_to(base, [Encoded(batch[0].ids[:1], (False,))], depth)
    order = np.empty(len(layout.ids), dtype=np.int64)
    own = [flat[path.ghosts :] for flat, path in zip(layout.paths, paths, strict=True)]
    order[np.concatenate(own)] = np.arange(sum(map(len, kept)))
    return torch.cat(kept)[torch.as_tensor(order)].to(base.device)[None]


def step(base: FrozenBase, tokens: Tensor, cache: Cache, lengths: Tensor, joint: Joint) -> Tensor:
    """One more token for each row.

    tokens:  [B] token ids, at positions `lengths` [B]
    cache:   its first B rows, with S > max(lengths); the new keys and values are written into it
    joint:   what the rows carry
    returns: [B, H] last hidden states
    """
    embeds = joint.model.get_input_embeddings()(tokens)
    with joint.acting():
        return _call(joint.model, embeds, lengths, StepView(cache, lengths, joint.gates), [])


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


def _by_layer(cache: Tensor, learns_from: int) -> list[Tensor]:
    """The layers of [L, 2, K, P, D]. Those below `learns_from` take no gradient, so that none goes down to them; the
    others are taken apart at once, because one by one each gradient would be as large as all."""
    return [*cache.detach()[:learns_from].unbind(), *cache[learns_from:].unbind()]


def _call(model: nn.Module, embeds: Tensor, positions: Tensor, view: View, changes: Sequence[Change]) -> Tensor:
    """The model's decoder on one flat sequence: [N, E], [N] → [N, H]."""
    with seen_through(view), changed(model, changes):
        out = cast(Any, model).base_model(inputs_embeds=embeds[None], position_ids=positions[None], use_cache=False)
    return out.last_hidden_state[0]
