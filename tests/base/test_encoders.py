"""Encoders from folders, whatever head they were saved with."""

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from capotasto.base import load_frozen
from tests.tiny import CONTEXT, ENCODERS, tiny_encoder_tokenizer, tiny_model

HEADS = {"masked": AutoModelForMaskedLM, "classes": AutoModelForSequenceClassification}


def save(model: PreTrainedModel, folder: Path) -> str:
    model.save_pretrained(folder)
    tiny_encoder_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("architecture", ENCODERS)
@pytest.mark.parametrize("head", [None, *HEADS])
def test_the_body_is_read_and_the_head_left_out(tmp_path: Path, architecture: str, head: str | None) -> None:
    body = tiny_model(architecture, torch.float32)
    whole = HEADS[head].from_config(body.config) if head else body
    if head:
        whole.base_model.load_state_dict(body.state_dict(), strict=False)  # BERT's classes bring a pooler
    base = load_frozen(save(whole, tmp_path), dtype="fp32", device="cpu")
    assert base.is_encoder
    assert base.context == CONTEXT
    assert base.model.get_output_embeddings() is None
    found, wanted = base.model.state_dict(), body.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_bert_that_continues_text_is_no_encoder(tmp_path: Path) -> None:
    config = tiny_model("bert").config
    config.is_decoder = True
    base = load_frozen(save(AutoModelForCausalLM.from_config(config), tmp_path), dtype="fp32", device="cpu")
    assert not base.is_encoder
    assert base.model.get_output_embeddings() is not None
