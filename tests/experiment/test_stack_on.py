"""An adapter learned on top of another: both act, only the new one learns, and the folder stands by itself."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from capotasto import load_adapter, merged, tune
from capotasto.config import read_yaml
from capotasto.errors import UserError
from capotasto.methods.stacked import stack
from capotasto.promotion import promote
from capotasto.session import Base
from tests import reference
from tests.experiment.runs import QUICK
from tests.making import logits_of, make_adapter, make_base, make_fresh, make_rows, read_base
from tests.refusing import refused
from tests.tiny import save_base, tiny_base

STACKS = [
    ("lora", "prompt"),
    ("prompt", "lora"),
    ("prompt", "prompt"),
    ("prefix", "prefix"),
    ("head", "prompt"),
    ("prompt+lora", "gated"),
]  # what is beneath, what is learned on it


def tuned(base: Base, rows: Path, folder: Path, method: str, **more):
    return tune(base, rows, out=folder, **{**QUICK, "epochs": 1, "method": method, **more})


@pytest.mark.parametrize(("beneath", "method"), STACKS)
def test_only_the_new_one_learns_and_both_are_kept(
    base: Base, rows: Path, tmp_path: Path, beneath: str, method: str
) -> None:
    under = tuned(base, rows, tmp_path / "under", beneath).adapter
    before = {name: value.detach().clone() for name, value in under.named_parameters()}
    run = tuned(base, rows, tmp_path / "both", method, stack_on=str(tmp_path / "under"))
    shutil.rmtree(tmp_path / "under")
    again = load_adapter(tmp_path / "both", base, "again")
    assert again.method == run.adapter.method == f"{method} on {beneath}"
    kept = dict(again.adapters()[0].named_parameters())
    assert all(torch.equal(kept[name], value) for name, value in before.items())
    over = again.adapters()[1]
    assert run.record["trainable_parameters"] == over.size() == again.size()
    assert again.tokens == under.tokens + over.tokens
    row = make_rows(base, 1)
    assert torch.equal(logits_of(base, row, [again])[0], logits_of(base, row, [run.adapter])[0])
    manifest = json.loads((tmp_path / "both" / "manifest.json").read_text())
    assert manifest["method"] == f"{method} on {beneath}"


@pytest.mark.parametrize(("beneath", "method"), [*STACKS, ("gated", "gated+prompt"), ("prompt", "prefix+lora")])
def test_it_equals_one_naive_pass_and_written_text_too(beneath: str, method: str) -> None:
    base = make_base("llama")
    both = stack(base, make_adapter(beneath, base), make_adapter(method, base, size=3, seed=1))
    model = reference.untouched(tiny_base("llama"))
    row = make_rows(base, 1)[0]
    wanted = reference.logits_alone(model, row, both)
    torch.testing.assert_close(logits_of(base, [row], [both])[0], wanted, rtol=0, atol=1e-5)
    plain = base.encode("the rain")
    ids = reference.generate_alone(model, plain, both, 5)
    found = base.generate(["the rain"], [both], chat=False, max_new_tokens=5)[0]
    assert found == base.tokenizer.decode(ids, skip_special_tokens=True).removesuffix("\ufffd")


def test_the_tokens_beneath_come_first() -> None:
    base = make_base("llama")
    under, over = make_adapter("prompt", base), make_adapter("prompt", base, size=2, seed=1)
    assert torch.equal(stack(base, under, over).embeds(), torch.cat([under.embeds(), over.embeds()]))


def test_a_prefix_on_another_adapter_starts_as_its_text_read_there() -> None:
    base = make_base("llama")
    under, prompt = make_adapter("prompt+lora", base), make_fresh("prompt", base, size=3)
    rows = make_rows(base, 2)
    prefix = promote(base, prompt, on=make_adapter("lora", base))
    on_lora = stack(base, make_adapter("lora", base), prefix)
    wanted = stack(base, make_adapter("lora", base), prompt)
    for one, other in zip(logits_of(base, rows, [on_lora] * 2), logits_of(base, rows, [wanted] * 2), strict=True):
        torch.testing.assert_close(one, other[-len(one) :], rtol=0, atol=1e-5)
    assert promote(base, prompt, on=under).tokens == 3


def test_dropout_acts_in_the_new_one_only() -> None:
    base = make_base("llama", torch.float32)
    both = stack(base, make_adapter("lora", base, dropout=0.5), make_adapter("lora", base, dropout=0.5))
    assert [part.training for part in both.train().adapters()] == [False, True]
    assert not any(part.training for part in both.eval().adapters())


def test_lora_on_lora_merges() -> None:
    base = make_base("llama")
    both, rows = (
        stack(base, make_adapter("lora", base, dora=True), make_adapter("lora", base, seed=1)),
        make_rows(base, 2),
    )
    wanted = logits_of(base, rows, [both] * 2)
    with merged(base, both):
        found = logits_of(base, rows, [None] * 2)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_another_adapter_beneath_is_another_run(base: Base, rows: Path, tmp_path: Path) -> None:
    tuned(base, rows, tmp_path / "under", "lora")
    on = str(tmp_path / "under")
    tuned(base, rows, tmp_path / "both", "prompt", stack_on=on)
    assert tuned(base, rows, tmp_path / "both", "prompt", stack_on=on, resume=True).record["method"] == "prompt on lora"
    tuned(base, rows, tmp_path / "under", "lora", seed=1, force=True)
    with pytest.raises(UserError, match="finished run with another base, data or settings"):
        tuned(base, rows, tmp_path / "both", "prompt", stack_on=on, resume=True)


def test_force_clears_what_was_beneath(base: Base, rows: Path, tmp_path: Path) -> None:
    tuned(base, rows, tmp_path / "under", "lora")
    tuned(base, rows, tmp_path / "both", "prompt", stack_on=str(tmp_path / "under"))
    tuned(base, rows, tmp_path / "both", "prompt", force=True)
    assert not any((tmp_path / "both" / name).exists() for name in ("under", "over"))


@pytest.mark.parametrize(
    ("beneath", "given", "words"),
    [
        ({"method": "head"}, {"method": "head"}, ["two heads"]),
        ({"method": "full"}, {"method": "prompt"}, ["--stack-on", "--base"]),
        ({"method": "lora"}, {"method": "full"}, ["full", "cannot be combined"]),
        ({"placement": "after_bos"}, {}, ["--placement after_bos"]),
        ({"tokens": 200}, {"tokens": 60}, ["260 virtual tokens", "--tokens"]),
        (None, {}, ["no adapter at"]),
    ],
)
def test_what_cannot_stack_is_refused_in_one_line(
    base: Base, rows: Path, tmp_path: Path, beneath: dict | None, given: dict, words: list[str]
) -> None:
    if beneath is not None:
        tune(base, rows, out=tmp_path / "under", **{**QUICK, "epochs": 1, **beneath})
    with refused(*words):
        tune(base, rows, out=tmp_path / "both", **{**QUICK, "stack_on": str(tmp_path / "under"), **given})


def test_an_adapter_of_another_base_is_refused(base: Base, rows: Path, tmp_path: Path) -> None:
    tuned(base, rows, tmp_path / "under", "lora")
    other = read_base(save_base(tmp_path / "other", seed=7))
    with pytest.raises(UserError, match="was made for base"):
        tuned(other, rows, tmp_path / "both", "prompt", stack_on=str(tmp_path / "under"))


def test_a_head_that_does_not_know_the_labels_is_refused(base: Base, rows: Path, tmp_path: Path) -> None:
    tuned(base, rows, tmp_path / "under", "head")
    rows.write_text(rows.read_text().replace(",wet", ",snowy"))
    with pytest.raises(UserError, match=r"the head of both knows dry, wet, and .* has dry, snowy"):
        tuned(base, rows, tmp_path / "both", "prompt", stack_on=str(tmp_path / "under"))


def test_on_is_a_word_in_yaml(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("on: runs/a\nresume: true\nforce: on")
    assert read_yaml(tmp_path / "c.yaml") == {"on": "runs/a", "resume": True, "force": "on"}
