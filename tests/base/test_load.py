import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ElectraConfig, ElectraForMaskedLM, T5Config, T5ForConditionalGeneration

from capotasto.base import FrozenBase, load_frozen
from capotasto.errors import UserError
from tests.refusing import refused
from tests.tiny import ARCHITECTURES, save_base, tiny_base, tiny_tokenizer

IDS = torch.tensor([[7, 30, 41, 5]])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_folder_gives_the_model_that_was_saved(tmp_path: Path, architecture: str) -> None:
    folder = save_base(tmp_path / "model", architecture)
    base = load_frozen(str(folder), dtype="fp32", device="cpu")
    expected = tiny_base(architecture, torch.float32)
    assert torch.equal(base.model(IDS).logits, expected.model(IDS).logits)
    for name in ("embedding_size", "vocabulary_size", "context", "layers", "chat", "dtype"):
        assert getattr(base, name) == getattr(expected, name), name
    assert (base.folder, base.name, base.source) == (folder, str(folder), f"folder {folder}")


@pytest.mark.parametrize("architecture", ["gpt2", "opt"])
def test_nothing_moves_and_nothing_drops_out(architecture: str) -> None:
    base = tiny_base(architecture)
    assert not any(parameter.requires_grad for parameter in base.model.parameters())
    assert not any(module.training for module in base.model.modules())
    assert torch.equal(base.model(IDS).logits, base.model(IDS).logits)


@pytest.mark.parametrize(
    ("architecture", "size", "context"), [("llama", 32, 256), ("opt", 16, 256), ("bloom", 32, None)]
)
def test_facts_of_an_architecture(architecture: str, size: int, context: int | None) -> None:
    base = tiny_base(architecture)
    assert (base.embedding_size, base.context, base.layers, base.vocabulary_size) == (size, context, 2, 304)
    assert base.embedding(IDS).shape == (1, 4, size)


@pytest.mark.parametrize("chat", [True, False])
def test_chat_means_a_template(chat: bool) -> None:
    assert tiny_base(chat_template=chat).chat is chat


def test_no_second_copy_of_weights_stored_in_the_same_type(saved: Path) -> None:
    """The tensors lie in the mapped file: they are adjacent there, as in memory allocated one by one they are not."""
    base = load_frozen(str(saved), dtype="fp32", device="cpu")
    starts = sorted((weight.data_ptr(), weight.nbytes) for weight in base.model.state_dict().values())
    assert all(start + size == following for (start, size), (following, _) in pairwise(starts))


@pytest.mark.parametrize(("dtype", "expected"), [("fp64", torch.float64), (torch.float32, torch.float32)])
def test_types(saved: Path, dtype: str | torch.dtype, expected: torch.dtype) -> None:
    base = load_frozen(str(saved), dtype=dtype, device="cpu")
    assert base.dtype == base.model.dtype == expected


def test_trusting_remote_code_warns_what_it_does(saved: Path) -> None:
    with pytest.warns(UserWarning, match="will run on this machine with all your rights"):
        load_frozen(str(saved), dtype="fp32", device="cpu", trust_remote_code=True)


def encoder_decoder(folder: Path) -> None:
    sizes = {"d_model": 16, "d_ff": 16, "num_layers": 1, "num_heads": 2, "d_kv": 8}
    T5ForConditionalGeneration(T5Config(vocab_size=304, **sizes)).save_pretrained(folder)


def masked(folder: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    ElectraForMaskedLM(ElectraConfig(vocab_size=304, **sizes)).save_pretrained(folder)


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def unknown_type(folder: Path) -> None:
    change_config(folder, model_type="marvel")


def remote_code(folder: Path) -> None:
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    change_config(
        folder, model_type="marvel", auto_map={"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"}
    )


def other_shape(folder: Path) -> None:
    change_config(folder, hidden_size=64)


def lost_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": ')


@pytest.mark.parametrize(
    ("harm", "promised"),
    [
        (encoder_decoder, ["T5ForConditionalGeneration", "not a causal language model", "capo bases"]),
        (masked, ["ElectraForMaskedLM", "nor an encoder that is known here", "not a causal language model"]),
        (unknown_type, ["config.json", "marvel", "update transformers"]),
        (remote_code, ["brings its own Python code, which is not run", "trust_remote_code"]),
        (other_shape, ["lm_head.weight in", "has shape [", "config.json says [", "fetch or save the model again"]),
        (lost_weight, ["lacks 1 of the model's weights (model.norm.weight)", "fetch or save it again"]),
        (broken_tokenizer, ["cannot read the tokenizer in", "save it again"]),
    ],
)
def test_refusals(saved: Path, harm: Callable[[Path], None], promised: list[str]) -> None:
    harm(saved)
    with refused(str(saved), *promised):
        load_frozen(str(saved), dtype="fp32", device="cpu")


@pytest.mark.parametrize("device", ["quantum", "cuda:99"])
def test_an_absent_device(saved: Path, device: str) -> None:
    with pytest.raises(UserError, match=rf"device '{device}' cannot be used here; usable: auto, cpu"):
        load_frozen(str(saved), device=device)


def test_from_parts_names_its_origin() -> None:
    base = tiny_base("gpt2")
    assert isinstance(base, FrozenBase)
    assert (base.folder, base.name, base.source) == (None, "memory", "a model in memory")
    assert base.tokenizer.get_vocab() == tiny_tokenizer().get_vocab()
