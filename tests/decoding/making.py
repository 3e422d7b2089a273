"""Adapters of every kind that writes, and rows for them."""

import random
from functools import cache

from capotasto.decoding.batch import Batch, Chosen
from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Encoded
from tests.making import make_adapter, make_base

KINDS = {
    "prompt": {},
    "prefix": {},
    "gated": {},
    "lora": {},
    "dora": {"method": "lora", "dora": True},
    "biased": {"method": "lora", "bias": "all", "dora": True},
    "bottleneck": {"reduction": 8},
    "houlsby": {"method": "bottleneck", "reduction": 4, "sites": "houlsby"},
    "prompt+lora": {},
    "lora+bottleneck": {"reduction": 8},
}
MIXES = {
    "all the same": ["lora"] * 7,
    "all different": [*KINDS, None],
    "zipf": ["prompt", "lora", "prompt", "bottleneck", "prompt", "dora", "prompt", None, "lora"],
    "skewed": ["lora", "lora", "houlsby", "lora", None, "lora", "prefix", "lora"],
}


@cache
def shared_base(architecture: str) -> Base:
    return make_base(architecture)


@cache
def adapter_of(architecture: str, kind: str | None, seed: int = 0) -> Adapter | None:
    """An adapter of this kind, or none where the architecture has nothing for it to learn."""
    if kind is None:
        return None
    more = dict(KINDS[kind])
    base = shared_base(architecture)
    if more.get("bias") and architecture not in ("gpt2", "opt", "bloom", "qwen2"):
        more.pop("bias")
    method = more.pop("method", kind)
    size = 3 + len(kind) % 3
    return make_adapter(method, base, size, seed + len(kind), name=f"{kind}-{seed}", **more)


def make_row(number: int, adapter: Adapter | None, ends: tuple[int, ...] = (), **settings) -> Row:
    chance = random.Random(number)
    ids = tuple(chance.randrange(5, 290) for _ in range(chance.randrange(2, 30)))
    given = {"max_new_tokens": chance.randrange(3, 14), **settings}
    return Row(Encoded(ids, (False,) * len(ids)), adapter, GenerateSettings(**given), ends)


def alone(base: Base, row: Row) -> list[int]:
    """What the same row writes by itself."""
    twin = Row(row.prompt, row.adapter, row.settings, tuple(row.ends))
    batch = Batch(base)
    join(batch, [twin])
    while batch.rows:
        batch.step()
    return twin.tokens


def join(batch: Batch, rows: list[Row]) -> Chosen:
    filled = prefill(batch.base, [Filling(row) for row in rows])
    assert filled is not None
    return batch.join(filled)
