"""Rows that join and leave in mid-flight write what they write alone, whatever stands beside them."""

import random

import pytest
import torch

from capotasto.decoding.batch import Batch
from tests import reference
from tests.decoding.making import MIXES, adapter_of, alone, join, make_row, shared_base

SAMPLED = {"temperature": 0.9, "top_p": 0.95, "top_k": 40, "repetition_penalty": 1.2, "frequency_penalty": 0.3}


def adapters_of(architecture, kinds):
    """Every other adapter of a kind has numbers of its own, and rows of one adapter do not stand together."""
    return [adapter_of(architecture, kind, seed=i % 2) for i, kind in enumerate(kinds)]


@pytest.mark.parametrize("settings", [{}, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("architecture", ["llama", "gpt2", "bloom", "opt", "gemma2"])
def test_rows_that_come_and_go_write_what_they_write_alone(architecture, mix, settings):
    base, chance = shared_base(architecture), random.Random(mix)
    rows = [
        make_row(number, adapter, seed=number, **settings)
        for number, adapter in enumerate(adapters_of(architecture, MIXES[mix]))
    ]
    batch, waiting = Batch(base), list(rows)
    cancelled = chance.sample(rows, 2)
    while waiting or batch.rows:
        count = chance.randrange(4)
        if waiting[:count]:
            join(batch, waiting[:count])
            waiting = waiting[count:]
        batch.step()
        for row in [row for row in cancelled if len(row.tokens) > 2]:
            batch.leave(row)
    for row in rows:
        expected = alone(base, row)
        assert row.tokens == (expected if row.finish else expected[: len(row.tokens)])
        assert row.finish or row in cancelled
    assert batch.cache.bytes == 0
    assert batch.cache.lengths == []


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_a_mixed_batch_equals_the_model_s_own_code(architecture):
    base = shared_base(architecture)
    model = reference.untouched(base)
    kinds = ["prompt", "lora", "prefix", "bottleneck", None, "dora", "gated", "lora"]
    rows = [make_row(i, adapter, max_new_tokens=8) for i, adapter in enumerate(adapters_of(architecture, kinds))]
    batch = Batch(base)
    join(batch, rows)
    while batch.rows:
        batch.step()
    for row in rows:
        assert row.tokens == reference.generate_alone(model, row.prompt, row.adapter, 8)


def test_what_is_not_finite_ends_its_own_row_only():
    base = shared_base("llama")
    broken = adapter_of("llama", "lora", seed=17)
    with torch.no_grad():
        next(iter(broken.parameters())).fill_(torch.nan)
    rows = [make_row(i, one, max_new_tokens=9) for i, one in enumerate([adapter_of("llama", "lora"), None, None])]
    guilty = make_row(9, broken)
    batch = Batch(base)
    join(batch, rows[:2])
    ((_, choice),) = join(batch, [guilty])
    join(batch, rows[2:])  # where the guilty row's numbers would have stood
    while batch.rows:
        batch.step()
    assert choice.error.startswith("adapter 'lora-17' gives logits that are not finite")
    assert [row.tokens for row in rows] == [alone(base, row) for row in rows]


def test_a_row_that_goes_bad_later_leaves_nothing_behind():
    base = shared_base("llama")
    rows = [make_row(i, None, max_new_tokens=9) for i in range(3)]
    batch = Batch(base)
    join(batch, rows[:2])
    batch.step()
    for part in batch.cache.layers[0]:
        part[0] = torch.nan
    errors = [choice.error for _, choice in batch.step()]
    join(batch, rows[2:])
    while batch.rows:
        batch.step()
    assert [bool(error) for error in errors] == [True, False]
    assert [row.tokens for row in rows[1:]] == [alone(base, row) for row in rows[1:]]
