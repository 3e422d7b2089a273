from pathlib import Path

import gguf as gguf_library
import pytest
import torch
from safetensors.torch import load_file

from capotasto.base import load_frozen, sanity
from capotasto.base.sources import gguf
from capotasto.errors import BaseError
from capotasto.wheels import home
from tests.tiny import VOCABULARY, tiny_model, tiny_tokenizer


def write(path: Path, dtype: torch.dtype) -> Path:
    """A tiny Llama as a GGUF file, its weights rounded to `dtype`."""
    model, tokenizer = tiny_model("llama", dtype).float(), tiny_tokenizer()
    writer = gguf_library.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(2)
    writer.add_context_length(256)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(VOCABULARY)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer))) + [f"<unused{n}>" for n in range(4)]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, weight in tensors(model).items():
        writer.add_tensor(name, weight.detach().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tensors(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    names = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    parts = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
    parts |= {f"self_attn.{p}_proj": f"attn_{p}" for p in "qkv"} | {"self_attn.o_proj": "attn_output"}
    parts |= {f"mlp.{part}_proj": f"ffn_{part}" for part in ("gate", "up", "down")}
    for layer in range(2):
        names |= {f"model.layers.{layer}.{ours}": f"blk.{layer}.{theirs}" for ours, theirs in parts.items()}
    return {f"{names[key.removesuffix('.weight')]}.weight": value for key, value in model.state_dict().items()}


def test_nonsense_is_refused_and_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", torch.float32)
    with pytest.raises(BaseError, match=r"tiny.gguf speaks nonsense.*nats per token.*fetch another"):
        gguf.convert(path)
    assert [entry for entry in (home() / "bases").iterdir() if entry.suffix != ".lock"] == []


def test_converts_once_without_losing_a_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanity, "check", lambda *_: None)
    path = write(tmp_path / "tiny.gguf", torch.float32)
    folder = gguf.convert(path)
    stored = load_file(folder / "model.safetensors")
    expected = tiny_model("llama", torch.float32).state_dict()
    assert torch.equal(stored["model.embed_tokens.weight"], expected["model.embed_tokens.weight"])
    assert "name_or_path" not in (folder / "config.json").read_text()
    monkeypatch.setattr(gguf, "_read", lambda _: pytest.fail("converted twice"))
    base = load_frozen(str(path), device="cpu", dtype="fp32")
    assert base.folder == folder
    assert base.source == f"file {path} (GGUF, dequantised)"
    assert base.tokenizer.decode(base.tokenizer("plain words").input_ids) == "plain words"


def test_values_that_bf16_holds_exactly_are_stored_as_bf16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanity, "check", lambda *_: None)
    folder = gguf.convert(write(tmp_path / "tiny.gguf", torch.bfloat16))
    assert {weight.dtype for weight in load_file(folder / "model.safetensors").values()} == {torch.bfloat16}


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "tiny.gguf", torch.float32)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BaseError, match=r"^cannot read .*tiny.gguf: .*damaged") as caught:
        gguf.convert(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("model.Q4_1.gguf", "Q4_1"), ("m-q8_0.gguf", "Q8_0"), ("a.F16.gguf", "F16"), ("a.gguf", "GGUF")],
)
def test_the_scheme_is_read_from_the_name(name: str, scheme: str) -> None:
    assert gguf.quantisation(Path(name)) == scheme
