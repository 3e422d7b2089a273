"""Prefixes in named layers only: those learn, the others stay what they were, and every path is still exact."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from capotasto.artifact import load_adapter, save_adapter
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.errors import UserError
from capotasto.objectives import row_losses
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.settings import TrainSettings
from tests import reference
from tests.making import logits_of, make_adapter, make_base, make_fresh, make_rows
from tests.tiny import tiny_base

KINDS = {
    "prefix": {"init": "text:the rain in the north"},
    "prefix behind a network": {"init": "text:the rain", "prefix_projection": True},
    "gated": {},
}
TEXT = "text:the rain in the north"


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom", "gemma2"])
def base(request: pytest.FixtureRequest) -> Base:
    return make_base(request.param)


def make(kind: str, base: Base, layers: str | None = "1", seed: int = 0, size: int = 5):  # type: ignore[no-untyped-def]
    return make_adapter(kind.split()[0], base, size, seed, layers=layers, **KINDS[kind])


def test_a_prefix_of_upper_layers_starts_where_a_whole_one_does(base: Base) -> None:
    upper, whole = (make_fresh("prefix", base, init=TEXT, layers=layers) for layers in ("1", None))
    assert torch.equal(upper.kv(), whole.kv())
    assert upper.size() * base.layers == whole.size()
    assert upper.learns_from() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_changes_the_named_layers_only(base: Base, kind: str) -> None:
    adapter = make_fresh(kind.split()[0], base, layers="1", **KINDS[kind])
    before = adapter.kv().detach().clone() if adapter.kv() is not None else None
    settings = TrainSettings(epochs=1, batch_tokens=60)
    list(islice(train(base, [Job("a", adapter, make_rows(base, 4), [], settings, 0.01)]), 1))
    if before is None:
        assert [list(one) for one in adapter.gated()] == [[1]]
        assert bool((adapter.gates != 0).any())
        return
    after = adapter.kv().detach()
    assert torch.equal(after[0], before[0])
    assert torch.equal(after[1, :, :, :1], before[1, :, :, :1]), "the first token is frozen everywhere"
    assert bool((after[1, :, :, 1:] != before[1, :, :, 1:]).any())


@pytest.mark.parametrize("kind", KINDS)
def test_a_mixed_batch_equals_the_naive_twin_row_by_row(base: Base, kind: str) -> None:
    adapters = [make(kind, base), None, make(kind, base, None, 1, 3), make(kind, base, "0", 2, 7), make(kind, base)]
    rows = make_rows(base, len(adapters))
    model = reference.untouched(tiny_base(base.config.model_type, torch.float64))
    for row, adapter, found in zip(rows, adapters, logits_of(base, rows, adapters), strict=True):
        with torch.no_grad():
            wanted = reference.logits_alone(model, row, adapter)
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_decoding_equals_writing_each_row_alone(base: Base, kind: str) -> None:
    adapters = [make(kind, base), None, make(kind, base, "0", 2, 7)]
    rows = make_rows(base, len(adapters))
    model = reference.untouched(tiny_base(base.config.model_type, torch.float64))
    found = generate(base, rows, adapters, GenerateSettings(max_new_tokens=8))
    assert found == [reference.generate_alone(model, row, one, 8) for row, one in zip(rows, adapters, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_gives_it_back_with_its_layers(base: Base, tmp_path: Path, kind: str) -> None:
    adapter, rows = make(kind, base), make_rows(base, 2)
    save_adapter(adapter, tmp_path, base, {})
    again = load_adapter(tmp_path, base)
    assert (again.layers, again.size()) == ([1], adapter.size())
    for found, wanted in zip(logits_of(base, rows, [again] * 2), logits_of(base, rows, [adapter] * 2), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", ["prefix", "gated"])
def test_a_folder_that_names_layers_that_there_are_not_is_refused(tmp_path: Path, method: str) -> None:
    base = make_base("llama")
    save_adapter(make(method, base), tmp_path, base, {})
    manifest = tmp_path / "manifest.json"
    text = manifest.read_text()
    assert '"layers": [\n      1\n    ]' in text
    manifest.write_text(text.replace('"layers": [\n      1\n    ]', '"layers": [9]'))
    with pytest.raises(UserError, match="does not fit"):
        load_adapter(tmp_path, base)


def test_no_gradient_goes_below_the_lowest_layer_that_learns() -> None:
    """What only takes time: every gradient there would be thrown away."""
    base, went = make_base("llama"), []
    for number, layer in enumerate(base.model.model.layers):
        layer.mlp.register_full_backward_hook(lambda *_, number=number: went.append(number))
    for layers, wanted in ((None, [1, 0]), ("1", [1])):
        went.clear()
        row_losses(base, make_rows(base, 2), [make("prefix", base, layers)] * 2)[0].sum().backward()
        assert went == wanted
