"""Cached decoding of a mixed batch equals writing each row alone without a cache."""

import pytest

from capotasto import decode
from capotasto.architectures import prepare
from capotasto.errors import DataError
from tests import reference
from tests.engine.test_exactness import make_prompts, make_rows
from tests.tiny import CONTEXT, tiny_base


@pytest.mark.parametrize("mix", [[0, 0, 0, 0, 0, 0], [0, 1, 2, None, 3, 4], [None, 1, None, 1, None, 1]])
def test_greedy_mixed_batch_equals_rows_alone(pair, mix):
    base, model = pair
    prompts = make_prompts(base, 5)
    adapters = [None if i is None else prompts[i] for i in mix]
    rows = make_rows(len(mix))
    settings = decode.GenerateSettings(max_new_tokens=20)
    together = decode.generate(base, rows, adapters, settings)
    alone = [reference.generate_alone(model, row, adapter, 20) for row, adapter in zip(rows, adapters, strict=True)]
    assert together == alone


def test_a_row_that_stops_leaves_the_others_unchanged(pair):
    base, _ = pair
    rows = make_rows(4)
    adapters = [*make_prompts(base, 2), None, None]
    settings = decode.GenerateSettings(max_new_tokens=12)
    free = decode.generate(base, rows, adapters, settings)
    stop = free[0][3]
    stopped = decode.generate(base, rows, adapters, settings, stops=[stop])
    for before, after in zip(free, stopped, strict=True):
        expected = before[: before.index(stop)] if stop in before else before
        assert after == expected


def test_sampling_depends_on_the_seed_and_not_on_the_neighbours(pair):
    base, _ = pair
    rows = make_rows(4)
    settings = decode.GenerateSettings(max_new_tokens=10, temperature=1.0, top_p=0.9, repetition_penalty=1.3, seed=5)
    adapters = [*make_prompts(base, 2), None, None]
    together = decode.generate(base, rows, adapters, settings)
    for row, adapter, expected in zip(rows, adapters, together, strict=True):
        assert decode.generate(base, [row], [adapter], settings) == [expected]
    other = decode.generate(base, rows, adapters, settings.model_copy(update={"seed": 6}))
    assert other != together


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers():
    base = tiny_base("llama")
    prepare(base.model)
    row = make_rows(2)[0]
    with pytest.raises(DataError, match=rf"prompt 1 has {len(row.ids)} tokens.*context of {CONTEXT}"):
        decode.generate(base, [row], [None], decode.GenerateSettings(max_new_tokens=CONTEXT))
