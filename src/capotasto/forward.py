"""The only way the base is called: rows of a batch, each with its own adapter or none, through one frozen model."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from capotasto.attention import StepView, TreeView, View, seen_through
from capotasto.base.frozen import FrozenBase
from capotasto.layout import Layout, Path, lay_out
from capotasto.losses import Head
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded


@dataclass(slots=True)
class Hidden:
    """The base's last hidden states for a batch.

    states: [N, H] at the flat positions of `layout`
    slots:  for each row (slot, P): its P virtual tokens stand before its token number `slot`
    cache:  layer → keys and values [B, K, S, D], if asked for
    """

    states: Tensor
    layout: Layout
    slots: list[tuple[int, int]]
    cache: dict[int, tuple[Tensor, Tensor]] | None = None

    def before(self, row: int, token: int) -> int:
        """The flat position whose state predicts `token` of `row`; −1 if nothing stands before it."""
        slot, virtual = self.slots[row]
        place = token + (virtual if token >= slot else 0)
        return int(self.layout.paths[row][place - 1]) if place else -1

    def last(self) -> Tensor:
        """[B] flat positions of each row's last symbol: what they say of the next token."""
        ends = [int(path[-1]) for path in self.layout.paths]
        return torch.tensor(ends, device=self.states.device)


def run(base: FrozenBase, batch: Sequence[Encoded], adapters: Sequence[Adapter | None], keep: bool = False) -> Hidden:
    """Run `batch` through the base; row i carries `adapters[i]`, None is the bare base.

    Rows may carry different adapters of different lengths. What rows of one adapter have in common at their beginning
    is computed once. With `keep`, keys and values are returned for decoding. Gradients flow to the adapters only.
    """
    distinct = list({id(adapter): adapter for adapter in adapters if adapter is not None}.values())
    index = {id(adapter): i for i, adapter in enumerate(distinct)}
    vectors = [adapter.embeds() for adapter in distinct]  # each [P, E]
    paths, slots = [], []
    for row, adapter in zip(batch, adapters, strict=True):
        virtual = len(vectors[index[id(adapter)]]) if adapter is not None else 0
        symbols = (*row.ids[: row.slot], *range(-1, -virtual - 1, -1), *row.ids[row.slot :])
        paths.append(Path(symbols, index[id(adapter)] if adapter is not None else -1))
        slots.append((row.slot, virtual))
    layout = lay_out(paths, base.device)
    view = TreeView(layout, keep)
    states = _call(base, _embed(base, layout, vectors), layout.positions, view)
    return Hidden(states, layout, slots, view.kept)


def step(base: FrozenBase, tokens: Tensor, cache: dict[int, tuple[Tensor, Tensor]], lengths: Tensor) -> Tensor:
    """One more token for each row.

    tokens:  [B] token ids, at positions `lengths` [B]
    cache:   layer → keys and values [B, K, S, D] with S > max(lengths); the new ones are written into it
    returns: [B, H] last hidden states
    """
    return _call(base, base.embedding(tokens), lengths, StepView(cache, lengths))


def head(base: FrozenBase) -> Head:
    """The base's output layer."""
    layer = base.model.get_output_embeddings()
    return Head(layer.weight, getattr(layer, "bias", None), getattr(base.config, "final_logit_softcapping", None))


def logits(base: FrozenBase, states: Tensor) -> Tensor:
    """[.., H] hidden states → [.., V] logits in at least fp32, with the architecture's own final scaling."""
    return head(base).capped(base.model.get_output_embeddings()(states))


def _embed(base: FrozenBase, layout: Layout, vectors: list[Tensor]) -> Tensor:
    """[N, E] input embeddings: the base's own at tokens, the adapters' at virtual tokens."""
    with torch.no_grad():
        flat = base.embedding(layout.ids)
    pieces, place = [], 0
    for adapter, start in layout.virtual:
        virtual = vectors[adapter].to(flat.dtype)
        pieces += [flat[place:start], virtual]
        place = start + len(virtual)
    return torch.cat([*pieces, flat[place:]]) if pieces else flat


def _call(base: FrozenBase, embeds: Tensor, positions: Tensor, view: View) -> Tensor:
    """The base's decoder on one flat sequence: [N, E], [N] → [N, H]."""
    with seen_through(view):
        out = base.model.base_model(inputs_embeds=embeds[None], position_ids=positions[None], use_cache=False)
    return out.last_hidden_state[0]
