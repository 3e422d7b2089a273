"""A prompt in pieces equals the whole prompt, and what stands before a row need not be computed again."""

import pytest
import torch

from capotasto import forward
from capotasto.decoding.prefill import Filling, prefill
from capotasto.decoding.row import Row
from capotasto.decoding.settings import GenerateSettings
from capotasto.promotion import cache_of
from capotasto.types import Encoded
from tests.decoding.making import KINDS, adapter_of, shared_base
from tests.engine.test_exactness import wide as wide

ARCHITECTURES = ["llama", "gpt2", "bloom", "opt", "gemma2"]


def make_row(adapter, length=37, slot=0, shift=0):
    ids = tuple(5 + (7 * i + shift) % 280 for i in range(length))
    return Row(Encoded(ids, (False,) * length, slot), adapter, GenerateSettings())


def equal(piecewise, whole):
    """The last states, and keys and values of all places."""
    torch.testing.assert_close(piecewise.states, whole.states, rtol=1e-10, atol=1e-10)
    assert piecewise.lengths == whole.lengths
    for layer, pair in whole.cache.items():
        for mine, own in zip(piecewise.cache[layer], pair, strict=True):
            for row, length in enumerate(whole.lengths):
                torch.testing.assert_close(mine[row, :, :length], own[row, :, :length], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [*KINDS, None])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_pieces_equal_the_whole(architecture, kind):
    base, adapter = shared_base(architecture), adapter_of(architecture, kind)
    whole = prefill(base, [Filling(make_row(adapter, slot=2))])
    filling, found, rounds = Filling(make_row(adapter, slot=2)), None, 0
    while found is None:
        found, rounds = prefill(base, [filling], 9), rounds + 1
    assert rounds == 5
    equal(found, whole)


def test_rows_of_many_lengths_and_adapters_share_the_pieces():
    base = shared_base("llama")
    kinds = ["prompt", "lora", None, "gated", "prefix", "prompt"]
    rows = [make_row(adapter_of("llama", kind), 3 + 11 * (i % 4), shift=i) for i, kind in enumerate(kinds)]
    fillings, done = [Filling(row) for row in rows], {}
    while fillings:
        found = prefill(base, fillings, 8)
        for i, row in enumerate(found.rows if found else []):
            done[row] = (found, i)
        fillings = [filling for filling in fillings if filling.row not in done]
    for row in rows:
        found, i = done[row]
        whole = prefill(base, [Filling(row)])
        torch.testing.assert_close(found.states[i], whole.states[0], rtol=1e-10, atol=1e-10)
        assert found.lengths[i] == whole.lengths[0]


def test_what_stands_before_a_row_is_shared_and_mixed_freely():
    base, prompt = shared_base("llama"), adapter_of("llama", "prompt")
    with torch.no_grad():
        kept = cache_of(base, Encoded((), ()), prompt)
        rows = [make_row(prompt).prompt, make_row(prompt, 20).prompt, make_row(None).prompt, make_row(prompt, 9).prompt]
        adapters = [prompt, prompt, None, prompt]
        mixed = forward.run(base, rows, adapters, keep=True, before=[kept, kept, None, kept])
        plain = forward.run(base, rows, adapters, keep=True)
    torch.testing.assert_close(mixed.states[mixed.last()], plain.states[plain.last()], rtol=1e-10, atol=1e-10)
    assert mixed.layout.seen.lengths.tolist() == plain.layout.seen.lengths.tolist()
    assert len(mixed.states) == len(plain.states) - prompt.tokens, "what is kept is not computed"


def test_one_long_row_makes_no_room_for_many_short_ones():
    base = shared_base("llama")
    rows = [make_row(adapter_of("llama", "prefix"), 200), *(make_row(None, 3, shift=i) for i in range(30))]
    fillings, found = [Filling(row) for row in rows], []
    while fillings:
        if (filled := prefill(base, fillings, 60)) is not None:
            found.append(filled)
            assert len(filled.rows) * filled.cache[0][0].shape[2] <= 2 * sum(filled.lengths)
        fillings = [filling for filling in fillings if filling.left]
    assert [row for filled in found for row in filled.rows] == rows
    assert len(found) == 3
    equal(found[-1], prefill(base, [Filling(row) for row in found[-1].rows]))
