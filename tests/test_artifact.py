"""An adapter on disk: the same logits in a fresh process, in PEFT, and back; and nothing that does not fit."""

import json
import subprocess
import sys
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import capotasto as capo
from capotasto.artifact import save_adapter
from capotasto.methods.prompt import PromptAdapter
from capotasto.session import Base, load_adapter, new_prompt
from capotasto.training.job import Job
from capotasto.training.settings import TrainSettings
from capotasto.types import Encoded
from tests.making import logits_of, make_base, make_rows, read_base
from tests.refusing import refused
from tests.tiny import save_base

ARCHITECTURES = ("llama", "gpt2", "bloom", "gemma")
IDS = [7, 30, 41, 5, 60]

# Runs in a fresh interpreter, once for all architectures: our logits and PEFT's, from nothing but the folders.
READER = """
import sys, torch, peft
from pathlib import Path
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from capotasto import load_adapter
from capotasto.types import Encoded
from tests.making import logits_of, read_base
from tests.test_artifact import IDS

folder, found = Path(sys.argv[1]), {}
for model in sorted(folder.glob("*/model")):
    base = read_base(model)
    adapter = load_adapter(model.parent / "adapter", base)
    row = Encoded(tuple(IDS), (False,) * len(IDS))
    name = model.parent.name
    found[f"{name} ours"] = logits_of(base, [row], [adapter])[0].contiguous()
    plain = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    with torch.no_grad():
        theirs = peft.PeftModel.from_pretrained(plain, model.parent / "adapter")(torch.tensor([IDS])).logits[0]
    found[f"{name} peft"] = theirs.contiguous()
save_file(found, folder / "found.safetensors")
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What this process computes, and what the fresh one reads from the disk."""
    folder = tmp_path_factory.mktemp("saved")
    here = {f"{name} here": trained_logits(folder / name, name) for name in ARCHITECTURES}
    subprocess.run([sys.executable, "-c", READER, str(folder)], check=True, timeout=120)
    return here | load_file(folder / "found.safetensors")


def trained_logits(folder: Path, architecture: str) -> torch.Tensor:
    base = read_base(save_base(folder / "model", architecture))
    adapter = new_prompt(base, "a", tokens=4, init="random")
    rows = make_rows(base, 6)
    list(capo.train(base, [Job("a", adapter, rows, settings=TrainSettings(epochs=1, batch_tokens=60), lr=0.05)]))
    save_adapter(adapter, folder / "adapter", base, {})
    return logits_of(base, [encoded()], [adapter])[0]


def encoded() -> Encoded:
    return Encoded(tuple(IDS), (False,) * len(IDS))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_fresh_process_reads_the_same_adapter(saved: dict[str, torch.Tensor], architecture: str) -> None:
    assert torch.equal(saved[f"{architecture} ours"], saved[f"{architecture} here"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_peft_reads_the_same_adapter(saved: dict[str, torch.Tensor], architecture: str) -> None:
    torch.testing.assert_close(
        saved[f"{architecture} peft"], saved[f"{architecture} here"][-len(saved[f"{architecture} peft"]) :],
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_prompt_that_peft_trained_goes_on_here(tmp_path: Path, architecture: str) -> None:
    base = read_base(save_base(tmp_path / "model", architecture))
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    theirs = peft.get_peft_model(plain, config)
    ids = torch.tensor([IDS])
    optimiser = torch.optim.Adam([p for p in theirs.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        theirs(ids, labels=ids).loss.backward()
        optimiser.step()
    theirs.save_pretrained(tmp_path / "theirs")

    adapter = load_adapter(tmp_path / "theirs", base)
    with torch.no_grad():
        expected = theirs.eval()(ids).logits[0]
    ours = logits_of(base, [encoded()], [adapter])[0]
    torch.testing.assert_close(ours[-len(expected) :], expected, rtol=1e-4, atol=1e-4)
    before = adapter.prompt_embeddings.detach().clone()
    settings = TrainSettings(epochs=1)
    list(capo.train(base, [Job("theirs", adapter, make_rows(base, 4), settings=settings, lr=0.01)]))
    assert not torch.equal(adapter.prompt_embeddings, before)


@pytest.fixture
def base() -> Base:
    return make_base("llama", torch.float32)


@pytest.fixture
def folder(base: Base, tmp_path: Path) -> Path:
    """A whole adapter on disk."""
    save_adapter(new_prompt(base, "a", tokens=4, init="random"), tmp_path / "a", base, {"data": {"hash": "abc"}})
    return tmp_path / "a"


def test_the_manifest_keeps_what_peft_does_not(base: Base, tmp_path: Path) -> None:
    adapter = new_prompt(base, "mine", tokens=4, init="text:the rain", placement="after_bos", seed=3)
    adapter.dialogue = True
    save_adapter(adapter, tmp_path, base, {"data": {"hash": "abc"}})
    again = load_adapter(tmp_path, base)
    facts = {name: getattr(adapter, name) for name in ("name", "placement", "dialogue", "start", "fingerprint")}
    assert {name: getattr(again, name) for name in facts} == facts
    assert torch.equal(again.prompt_embeddings, adapter.prompt_embeddings)
    assert torch.equal(again.initial, adapter.initial)
    assert json.loads((tmp_path / "manifest.json").read_text())["data"] == {"hash": "abc"}
    assert base.adapters["mine"] is again


def test_peft_is_given_no_prompt_that_it_would_put_elsewhere(base: Base, tmp_path: Path) -> None:
    save_adapter(new_prompt(base, "a", placement="after_bos"), tmp_path, base, {})
    assert not (tmp_path / "adapter_config.json").exists()


def test_the_learnt_vectors_are_kept_wide(base: Base) -> None:
    narrow = PromptAdapter(torch.randn(3, 32).bfloat16(), name="a", fingerprint=base.fingerprint)
    assert narrow.prompt_embeddings.dtype == torch.float32


def another_base(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["base"] = {"name": "bloomz-560m", "fingerprint": "f" * 64}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def pickled(folder: Path) -> None:
    torch.save({"prompt_embeddings": torch.ones(4, 32)}, folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()


def pickle_in_disguise(folder: Path) -> None:
    torch.save({"prompt_embeddings": torch.ones(4, 32)}, folder / "adapter_model.safetensors")


def truncated(folder: Path) -> None:
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-40])


def holding(vectors: torch.Tensor, key: str = "prompt_embeddings"):
    return lambda folder: save_file({key: vectors}, folder / "adapter_model.safetensors")


def foreign(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "CPT"}))


def without(name: str):
    return lambda folder: (folder / name).unlink()


def writing(name: str, text: str):
    return lambda folder: (folder / name).write_text(text)


def only_weights(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "adapter_config.json").unlink()


# What was done to the folder → words that the one line has: cause, place, remedy.
BAD = {
    "another base": (another_base, ["was made for base bloomz-560m", "ffffffffffff", "{folder}", "--base bloomz-560m"]),
    "no adapter": (
        without("adapter_model.safetensors"),
        ["no adapter at {folder}", "is missing", "the folder that `capo tune` wrote"],
    ),
    "a pickle": (pickled, ["{folder}", "adapter_model.bin, a pickle", "can run code", "save it as"]),
    "a pickle by another name": (pickle_in_disguise, ["adapter_model.safetensors", "damaged", "again"]),
    "truncated": (truncated, ["{folder}", "adapter_model.safetensors", "damaged", "take it from its source again"]),
    "too narrow": (holding(torch.ones(4, 16)), ["{folder}", "4×16", "32 wide", "choose the base it was made for"]),
    "no vectors": (holding(torch.ones(0, 32)), ["{folder}", "0×32", "choose the base"]),
    "as long as the context": (holding(torch.ones(256, 32)), ["{folder}", "256 virtual tokens", "use fewer"]),
    "NaN": (holding(torch.full((4, 32), float("nan"))), ["{folder}", "not finite", "train it again"]),
    "infinite": (holding(torch.full((4, 32), float("inf"))), ["{folder}", "not finite", "train it again"]),
    "huge": (holding(torch.full((4, 32), 1e9)), ["{folder}", "times as long", "refused", "lower learning rate"]),
    "another tensor": (holding(torch.ones(4, 32), "lora_A"), ["{folder}", "lora_A", "no soft prompt", "`capo tune`"]),
    "another PEFT method": (foreign, ["{folder}", "'CPT'", "cannot be run here"]),
    "weights alone": (only_weights, ["{folder}", "adapter_config.json", "damaged or missing"]),
    "a broken manifest": (writing("manifest.json", "{"), ["{folder}", "manifest.json", "damaged"]),
    "an empty manifest": (writing("manifest.json", "{}"), ["{folder}", "manifest.json", "lacks what", "again"]),
    "a manifest of another kind": (writing("manifest.json", "[]"), ["{folder}", "manifest.json", "again"]),
    "a damaged start": (writing("initial.safetensors", "x"), ["{folder}", "initial.safetensors", "damaged"]),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused_in_one_line(base: Base, folder: Path, case: str) -> None:
    spoil, words = BAD[case]
    spoil(folder)
    base.adapters.clear()
    with refused(*(word.format(folder=folder) for word in words)):
        load_adapter(folder, base)
    assert base.adapters == {}
