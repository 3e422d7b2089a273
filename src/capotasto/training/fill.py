"""The frozen part of a training, computed before it: states that no job of it changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.objectives.heads import pooled
from capotasto.tokens.batches import cut
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.trunk import CHANGED, Place, Trunk, depth_of, place_of_head
from capotasto.types import Encoded, StepRecord

BATCH_TOKENS = 2048  # tokens in memory at a time; without gradients that is little


def learn(base: FrozenBase, jobs: Sequence[Job], gigabytes: float) -> Iterator[StepRecord]:
    """`loop.train`, with what no job changes computed first and kept on so much disk; 0: nothing is kept."""
    own = not vars(base.model).get(CHANGED, False)
    trunk = Trunk.of(base, gigabytes) if gigabytes and own else None
    if trunk is not None:
        yield from fill(base, trunk, jobs)
    yield from train(base, jobs, trunk=trunk)


def fill(base: FrozenBase, trunk: Trunk, jobs: Sequence[Job]) -> Iterator[StepRecord]:
    """Compute what `jobs` will ask `trunk` for and it does not have; yields a record of kind "trunk" for each batch.

    Where the disk has no room for all rows nothing is kept, and the states are computed in every step.
    """
    for place, wanted in _wanted(base, jobs).items():
        with trunk.lock():
            yield from _fill(base, trunk, place, wanted, jobs[0].name)


@dataclass(slots=True)
class _Wanted:
    """Rows that enter the trained part at one place, and the keys and values [L, 2, K, P, D] that stand before them."""

    before: Tensor | None
    rows: dict[Encoded, None] = field(default_factory=dict)


def _wanted(base: FrozenBase, jobs: Sequence[Job]) -> dict[Place, _Wanted]:
    """What is wanted at each place. Jobs that share batches enter at one depth, the lowest."""
    lasting = [job for job in jobs if job.settings.epochs > 1 and job.adapter.body() is None]
    changing = [job for job in lasting if place_of_head(base, job.adapter) is None]
    depth = min((depth_of(base, job.adapter) for job in changing), default=0)
    found: dict[Place, _Wanted] = {}
    for job in lasting:
        before = job.adapter.kv()
        place = place_of_head(base, job.adapter) or Place.behind(before, depth)
        if place.depth:
            found.setdefault(place, _Wanted(before)).rows.update(dict.fromkeys([*job.rows, *job.held_out]))
    return found


def _fill(base: FrozenBase, trunk: Trunk, place: Place, wanted: _Wanted, name: str) -> Iterator[StepRecord]:
    """In batches that follow from the rows alone, so that a run that was stopped computes the same numbers again."""
    trunk.open(place)
    rows = list(wanted.rows)
    new = sum(1 if place.pooling else len(row.ids) for row in rows if not trunk.has(place, row))
    if not trunk.room(place, new):
        return
    rows.sort(key=lambda row: len(row.ids))
    done = 0
    for batch in cut(range(len(rows)), [len(row.ids) for row in rows], BATCH_TOKENS):
        mine = [rows[i] for i in batch]
        missing = [i for i, row in enumerate(mine) if not trunk.has(place, row)]
        if missing:
            states = _states(base, mine, place, wanted.before)
            trunk.put(place, [mine[i] for i in missing], [states[i] for i in missing])
        done += len(batch)
        extra = {"depth": place.depth, "bytes": trunk.bytes(place, new)}
        yield StepRecord("trunk", name, done, len(rows), epoch=0.0, loss=0.0, extra=extra)
    trunk.settle(place)


def _states(base: FrozenBase, rows: Sequence[Encoded], place: Place, before: Tensor | None) -> list[Tensor]:
    found = forward.up_to(base, rows, place.depth, before)
    return [pooled(states, place.pooling)[None] for states in found] if place.pooling else found
