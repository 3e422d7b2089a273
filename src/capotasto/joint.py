"""What rows with different adapters carry in a step, worked out once for all steps that they take together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from capotasto.gates import Gate
from capotasto.methods.adapter import Adapter, Delta
from capotasto.stacks import Act, Stacks, Stages


class Joint:
    """The adapters of B rows, in any order.

    model: the one that all rows run through
    gates: what comes to rows through gates
    last:  what it had worked out for the same adapters stays
    """

    def __init__(self, model: PreTrainedModel, adapters: Sequence[Adapter | None], last: "Joint | None" = None):
        self.model, self.gates = model, _gates(adapters)
        distinct = {id(one): one for one in adapters if one is not None}
        known: dict[int, tuple[Adapter, Stages | None]] = {} if last is None else last._settled
        settled = {key: known[key] if key in known else (one, _stages(one)) for key, one in distinct.items()}
        stacked = {key: stages for key, (_, stages) in sorted(settled.items()) if stages}
        kept: Stacks | None = None if last is None else last._stacks
        if kept is not None and stacked and stacked.keys() <= set(kept.keys):  # who left may stay in the matrices
            settled = {**{key: known[key] for key in kept.keys}, **settled}
            self._stacks: Stacks = kept
        else:
            self._stacks = Stacks(stacked)
        self._settled: dict[int, tuple[Adapter, Stages | None]] = settled
        self._acts = self._stacks.acts([id(one) for one in adapters], model.device)
        for key, one in distinct.items():
            if settled[key][1] is None:
                self._by_itself(one, [i for i, other in enumerate(adapters) if id(other) == key])
        modules: dict[str, nn.Module] = {} if last is None else last._modules
        self._modules: dict[str, nn.Module] = {
            name: modules[name] if name in modules else model.get_submodule(name) for name in self._acts
        }

    def _by_itself(self, adapter: Adapter, rows: Sequence[int]) -> None:
        """An adapter whose changes cannot be made together with those of others."""
        places = torch.tensor(rows, device=self.model.device)
        for name, delta in adapter.deltas().items():
            self._acts.setdefault(name, []).append(_Alone(places, delta))

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Inside the block the adapters act on the model's linear layers. Not with gradients."""
        handles = []
        try:
            for name, acts in self._acts.items():
                handles.append(self._modules[name].register_forward_hook(partial(_behind, acts)))
            yield
        finally:
            for handle in handles:
                handle.remove()


@dataclass(slots=True, eq=False)
class _Alone:
    """A delta for the rows of one adapter."""

    rows: Tensor
    delta: Delta

    def __call__(self, x: Tensor, y: Tensor) -> None:
        mine = y[self.rows]
        y[self.rows] = mine + self.delta(x[self.rows], mine)


def _behind(acts: Sequence[Act], module: nn.Module, given: tuple[Any, ...], out: Tensor) -> Tensor:
    """[.., B, in], [.., B, out] → [.., B, out], in place."""
    x, y = given[0].reshape(-1, given[0].shape[-1]), out.view(-1, out.shape[-1])
    for act in acts:
        act(x, y)
    return out


def _gates(adapters: Sequence[Adapter | None]) -> list[Gate]:
    """A gate for each run of rows that carry the same."""
    found, row = [], 0
    for _, same in groupby(adapters, key=id):
        rows = list(same)
        if rows[0] is not None:
            found += [Gate(row, row + len(rows), one) for one in rows[0].gated()]
        row += len(rows)
    return found


def _stages(adapter: Adapter) -> Stages | None:
    """Its changes in their settled form; None where they must act by themselves."""
    stages = adapter.settled()
    if stages is None or not all(change.finite for changes in stages.values() for change in changes):
        return None
    return stages
