"""Each target's files do what the adapter did here; what a target cannot hold is refused before anything is written."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

import capotasto as capo
from capotasto.errors import UserError
from capotasto.exporting import TARGETS
from tests.making import logits_of, make_adapter, make_rows
from tests.refusing import refused

REFUSED = {
    ("prefix", "vllm-embeds"): ["'a' (prefix) holds keys and values of each layer", "virtual tokens and nothing else"],
    ("lora", "vllm-embeds"): ["holds changes of layers", "--to peft"],
    ("prompt+lora", "vllm-embeds"): ["holds virtual tokens and changes of layers"],
    ("head", "vllm-embeds"): ["holds a head"],
    ("full", "vllm-embeds"): ["holds a model of its own"],
    ("mpt", "vllm-embeds"): ["a prompt for each of its tasks", "first, second"],
    ("mpt", "peft"): ["export one of them"],
    ("gated", "peft"): ["which PEFT cannot take", "gates"],
    ("bottleneck", "peft"): ["PEFT has no such layers"],
    ("head", "peft"): ["--no-head-norm"],
    ("full", "peft"): ["ordinary model folder already"],
    ("prompt+lora", "peft"): ["no sum of methods", "prompt, lora"],
    ("prompt", "merged"): ["input, not weights"],
    ("head", "merged"): ["in place of the vocabulary"],
    ("prompt", "gguf-lora"): ["holds virtual tokens", "no slot for anything else"],
    ("prefix", "gguf-lora"): ["no slot for anything else"],
    ("bottleneck", "gguf-lora"): ["no slot for anything else"],
}


@pytest.mark.parametrize(("method", "target"), REFUSED)
def test_what_a_target_cannot_hold_is_refused_in_one_line(bases, tmp_path, method, target):
    base = bases("llama")
    with refused(*REFUSED[method, target]):
        capo.export(base, make_adapter(method, base), target, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


SETTINGS_REFUSED = [
    ("prompt", {"placement": "after_bos"}, "peft", "these stand elsewhere"),
    ("lora", {"dora": True}, "gguf-lora", "is a DoRA"),
    ("lora", {"bias": "all"}, "gguf-lora", "learnt biases"),
]


@pytest.mark.parametrize(("method", "settings", "target", "words"), SETTINGS_REFUSED)
def test_a_setting_that_a_target_cannot_hold_is_refused(bases, tmp_path, method, settings, target, words):
    base = bases("gpt2")
    with pytest.raises(UserError, match=words):
        capo.export(base, make_adapter(method, base, **settings), target, tmp_path / "out")


def test_an_unknown_target_and_a_folder_in_use_are_refused(bases, tmp_path):
    base = bases("llama")
    adapter = make_adapter("lora", base)
    with pytest.raises(UserError, match="unknown target 'gguf'; did you mean 'gguf-lora'"):
        capo.export(base, adapter, "gguf", tmp_path / "out")
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UserError, match="not an empty folder"):
        capo.export(base, adapter, "peft", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("method", ["prompt", "lora", "prefix"])
def test_peft_reads_its_two_files_and_says_the_same(bases, tmp_path, method):
    base = bases("llama")
    adapter = make_adapter(method, base)
    folder = capo.export(base, adapter, "peft", tmp_path / "out")
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    row = make_rows(base, 1)[0]
    with torch.no_grad():
        theirs = PeftModel.from_pretrained(model, folder).eval()(torch.tensor([row.ids])).logits[0]
    ours = logits_of(base, [row], [adapter])[0]
    torch.testing.assert_close(theirs[-len(row.ids) :], ours[-len(row.ids) :], rtol=1e-4, atol=1e-4)


def test_merged_is_an_ordinary_model(bases, tmp_path):
    base = bases("llama")
    adapter, row = make_adapter("lora", base), make_rows(base, 1)[0]
    folder = capo.export(base, adapter, "merged", tmp_path / "out")
    with torch.no_grad():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        theirs = model(torch.tensor([row.ids])).logits[0]
    torch.testing.assert_close(theirs, logits_of(base, [row], [adapter])[0], rtol=1e-4, atol=1e-4)


def test_every_target_is_named_where_a_user_looks(capsys):
    from capotasto.cli import main

    page = (Path(__file__).parents[2] / "docs" / "scale-out.md").read_text(encoding="utf-8")
    main(["export", "--help"])
    shown = capsys.readouterr().out
    assert [name for name in TARGETS if name not in page or name not in shown] == []
