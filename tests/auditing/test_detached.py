"""After an adapter is taken off, the base is the base, bit for bit: every method, and as the audit measures it."""

from pathlib import Path

import pytest
import torch

from capotasto import artifact
from capotasto.auditing import detached
from capotasto.methods import METHODS
from capotasto.session import Base
from tests.making import logits_of, make_adapter, make_base, make_rows

ARCHITECTURES = ("llama", "gpt2")


@pytest.fixture(scope="module", params=ARCHITECTURES)
def base(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param, torch.float32)


@pytest.mark.parametrize("method", METHODS)
def test_no_bit_of_the_base_is_left_changed(base: Base, method: str, tmp_path: Path) -> None:
    """Before it is made and read from disk; with it; mixed with it; after."""
    rows = make_rows(base, 4)
    before, first = logits_of(base, rows, [None] * 4), detached.logits(base)
    adapter = make_adapter(method, base)
    artifact.save_adapter(adapter, tmp_path, base, {})
    read = artifact.load_adapter(tmp_path, base)
    mine = [row if not adapter.tasked else make_rows(base, 4, adapter=adapter)[i] for i, row in enumerate(rows)]
    logits_of(base, mine, [adapter] * 4)
    logits_of(base, mine, [None, read, adapter, None])
    assert all(torch.equal(one, other) for one, other in zip(before, logits_of(base, rows, [None] * 4), strict=True))
    assert detached.difference(base, read, first) == 0.0


def test_a_base_that_was_changed_is_noticed(base: Base) -> None:
    before, adapter = detached.logits(base), make_adapter("prompt", base)
    weight = base.embedding.weight
    was = weight.detach().clone()
    with torch.no_grad():
        weight += 0.01
    try:
        assert detached.difference(base, adapter, before) > 1e-4
    finally:
        with torch.no_grad():
            weight.copy_(was)
    assert detached.difference(base, adapter, before) == 0.0
