"""An adapter made part of the weights: the same logits without it, in memory and as a folder; nothing else merges."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import capotasto as capo
from capotasto.errors import UserError
from capotasto.methods.combined import CombinedAdapter
from capotasto.session import Base
from tests.making import logits_of, make_adapter, make_base, make_rows, read_base
from tests.refusing import refused
from tests.tiny import save_base

KINDS = {
    "plain": {},
    "rank-stabilised": {"rslora": True},
    "with lengths": {"dora": True},
    "of one layer": {"layers": "1"},
    "with biases": {"bias": "all", "dora": True},
}
BIASED = ("gpt2", "bloom", "opt")  # architectures that have biases


def make_lora(base: Base, kind: str = "plain", architecture: str = "gpt2", seed: int = 0):
    settings = dict(KINDS[kind])
    if architecture not in BIASED:
        settings.pop("bias", None)
    return make_adapter("lora", base, seed=seed, **settings)


def tensors_of(base: Base) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in base.model.state_dict().items()}


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "bloom", "opt", "gemma2"])
@pytest.mark.parametrize("kind", KINDS)
def test_inside_the_block_the_bare_base_does_what_the_adapter_did(architecture: str, kind: str) -> None:
    base = make_base(architecture)
    adapter, rows = make_lora(base, kind, architecture), make_rows(base, 3)
    wanted, bare = (logits_of(base, rows, [one] * 3) for one in (adapter, None))
    before = tensors_of(base)
    with capo.merged(base, adapter):
        found = logits_of(base, rows, [None] * 3)
    for one, other, without in zip(found, wanted, bare, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
        assert not torch.allclose(one, without, atol=1e-3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())


def test_the_base_comes_back_bit_for_bit_when_the_block_fails() -> None:
    base = make_base("llama", torch.float32)
    before = tensors_of(base)
    with pytest.raises(RuntimeError, match="on the way"), capo.merged(base, make_lora(base)):
        raise RuntimeError("on the way")
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in base.model.parameters())


def test_parts_merge_in_their_order() -> None:
    """The second's lengths scale what the first has changed."""
    base = make_base("gpt2")
    first, second = make_lora(base), make_lora(base, "with biases", seed=1)
    second.method = "lora of another"
    both = CombinedAdapter([first, second], base, name="both", fingerprint=base.fingerprint)
    rows = make_rows(base, 3)
    with capo.merged(base, both):
        found = logits_of(base, rows, [None] * 3)
    for one, other in zip(found, logits_of(base, rows, [both] * 3), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_folder_is_an_ordinary_model(architecture: str, tmp_path: Path) -> None:
    base = read_base(save_base(tmp_path / "base", architecture))
    adapter, row = make_lora(base, "with lengths"), make_rows(base, 1)[0]
    folder = capo.merge(base, adapter, tmp_path / "merged")
    wanted = logits_of(base, [row], [adapter])[0]
    ours = read_base(folder)
    torch.testing.assert_close(logits_of(ours, [row], [None])[0], wanted, rtol=1e-4, atol=1e-4)
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        theirs = plain(torch.tensor([row.ids])).logits[0]
    torch.testing.assert_close(theirs, wanted, rtol=1e-4, atol=1e-4)
    assert ours.tokenizer("the rain")["input_ids"] == base.tokenizer("the rain")["input_ids"]
    assert ours.fingerprint != base.fingerprint
    assert [path.name for path in tmp_path.glob(".*")] == [], "nothing unfinished is left"
    with pytest.raises(UserError, match="not an empty folder"):
        capo.merge(base, adapter, folder)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("prompt", ["prompt of 'a'", "input, not weights", "keep it as an adapter"]),
        ("prefix", ["prefix of 'a'", "input, not weights"]),
        ("bottleneck", ["bottleneck of 'a'", "nonlinearity"]),
        ("head", ["head of 'a'", "answers in place of the vocabulary"]),
        ("gated", ["gated of 'a'", "which no weight holds"]),
        ("full", ["full of 'a'", "model of its own"]),
        ("lora+prompt", ["prompt of 'a'", "input, not weights"]),
    ],
)
def test_what_cannot_be_merged_is_refused_in_one_line(method: str, words: list[str]) -> None:
    base = make_base("llama", torch.float32)
    before = tensors_of(base)
    with refused(*words), capo.merged(base, make_adapter(method, base)):
        pass
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())
