"""Cached decoding of a mixed batch equals writing each row alone without a cache."""

import pytest

from capotasto.architectures import prepare
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.errors import DataError
from tests import reference
from tests.decoding.making import shared_base
from tests.engine.conftest import pair as pair
from tests.engine.test_exactness import make_prompts, make_rows
from tests.tiny import CONTEXT, tiny_base


@pytest.mark.parametrize("mix", [[0, 0, 0, 0, 0, 0], [0, 1, 2, None, 3, 4], [None, 1, None, 1, None, 1]])
def test_greedy_mixed_batch_equals_rows_alone(pair, mix):
    base, model = pair
    prompts = make_prompts(base, 5)
    adapters = [None if i is None else prompts[i] for i in mix]
    rows = make_rows(len(mix))
    settings = GenerateSettings(max_new_tokens=20)
    together = generate(base, rows, adapters, settings)
    alone = [reference.generate_alone(model, row, adapter, 20) for row, adapter in zip(rows, adapters, strict=True)]
    assert together == alone


def test_a_row_that_stops_leaves_the_others_unchanged(pair):
    base, _ = pair
    rows = make_rows(4)
    adapters = [*make_prompts(base, 2), None, None]
    settings = GenerateSettings(max_new_tokens=12)
    free = generate(base, rows, adapters, settings)
    stop = free[0][3]
    stopped = generate(base, rows, adapters, settings, ends=[stop])
    for before, after in zip(free, stopped, strict=True):
        expected = before[: before.index(stop)] if stop in before else before
        assert after == expected


def test_sampling_depends_on_the_seed_and_not_on_the_neighbours(pair):
    base, _ = pair
    rows = make_rows(4)
    settings = GenerateSettings(max_new_tokens=10, temperature=1.0, top_p=0.9, repetition_penalty=1.3, seed=5)
    adapters = [*make_prompts(base, 2), None, None]
    together = generate(base, rows, adapters, settings)
    for row, adapter, expected in zip(rows, adapters, together, strict=True):
        assert generate(base, [row], [adapter], settings) == [expected]
    other = generate(base, rows, adapters, settings.model_copy(update={"seed": 6}))
    assert other != together


def test_a_prompt_that_does_not_fit_is_refused_with_the_numbers():
    base = tiny_base("llama")
    prepare(base.model)
    row = make_rows(2)[0]
    with pytest.raises(DataError, match=rf"prompt 1 has {len(row.ids)} tokens.*context of {CONTEXT}"):
        generate(base, [row], [None], GenerateSettings(max_new_tokens=CONTEXT))


def test_stop_texts_end_a_row_and_are_no_part_of_it():
    base = shared_base("llama")
    prompts = ["the rain", "one question", "north"]
    whole = base.generate(prompts, max_new_tokens=20, ignore_end=True)
    stop = whole[0][3:5]
    expected = [text.split(stop)[0] for text in whole]
    assert base.generate(prompts, max_new_tokens=20, ignore_end=True, stop=[stop]) == expected


def test_the_end_is_written_like_any_other_where_asked_for():
    base, prompt = shared_base("llama"), make_rows(2)[0]
    free = generate(base, [prompt], [None], GenerateSettings(max_new_tokens=12))[0]
    ended = generate(base, [prompt], [None], GenerateSettings(max_new_tokens=12), [free[4]])[0]
    ignored = generate(base, [prompt], [None], GenerateSettings(max_new_tokens=12, ignore_end=True), [free[4]])[0]
    assert ended == free[: free.index(free[4])]
    assert ignored == free
