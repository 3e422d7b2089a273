"""Heads as transformers' sequence classifiers: PEFT reads ours and we read PEFT's, with the same logits."""

import json

import peft
import pytest
import torch
from transformers import AutoModelForSequenceClassification

from capotasto import tune
from capotasto.artifact import load_adapter, save_adapter
from capotasto.errors import AdapterError
from capotasto.evaluate.heads import answer
from capotasto.types import Encoded
from tests.experiment.runs import QUICK, write_rows
from tests.making import make_adapter, read_base
from tests.tiny import save_base

ROWS = [(7, 30, 41, 5, 60), (9, 12, 33)]
PAD = 0


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom", "gemma", "qwen2"])
def base(request, tmp_path_factory):
    return read_base(save_base(tmp_path_factory.mktemp("model"), request.param))


def theirs_of(base, labels=3):
    return AutoModelForSequenceClassification.from_pretrained(
        base.folder, num_labels=labels, dtype=torch.float32, pad_token_id=PAD
    ).eval()


def logits_of(model):
    """[B, C] by transformers, padded on the right."""
    longest = max(map(len, ROWS))
    ids = torch.tensor([[*row, *[PAD] * (longest - len(row))] for row in ROWS])
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=(ids != PAD).long()).logits


def ours(base, adapter):
    """[B, C] what our head says."""
    said = answer(base, [Encoded(row, (False,) * len(row)) for row in ROWS], adapter)
    return torch.from_numpy(said).float()


def same(base, adapter, model):
    logits = logits_of(model)
    wanted = logits if adapter.head().objective == "regress" else logits.softmax(-1)
    torch.testing.assert_close(ours(base, adapter), wanted, rtol=1e-4, atol=1e-5)
    assert (logits[0] - logits[1]).abs().max() > 1e-3


@pytest.mark.parametrize("method", ["head", "lora+head", "head+lora"])
@pytest.mark.parametrize("more", [{}, {"dora": True}])
def test_peft_reads_ours_with_the_same_logits(base, tmp_path, method, more):
    adapter = make_adapter(method, base, head_norm=False, **more)
    save_adapter(adapter, tmp_path, base, {})
    same(base, adapter, peft.PeftModel.from_pretrained(theirs_of(base), tmp_path))
    again = load_adapter(tmp_path, base)
    assert (again.method, again.classes()) == (adapter.method, adapter.classes())
    torch.testing.assert_close(ours(base, again), ours(base, adapter))


@pytest.mark.parametrize("labels", [1, 4])
def test_what_peft_trained_is_read_with_the_same_logits(base, tmp_path, labels):
    torch.manual_seed(0)
    model = peft.get_peft_model(
        theirs_of(base, labels), peft.LoraConfig(task_type="SEQ_CLS", r=3, target_modules="all-linear")
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                assert "lora_" in name or "score" in name
                parameter += 0.05 * torch.randn(parameter.shape)
    model.eval().save_pretrained(tmp_path)
    adapter = load_adapter(tmp_path, base)
    assert adapter.method == "lora+head"
    assert adapter.classes() == [f"LABEL_{i}" for i in range(labels)]
    assert adapter.head().objective == ("regress" if labels == 1 else "classify")
    same(base, adapter, model)
    found = base.classify(["the rain"], adapter)
    assert isinstance(found[0], float) if labels == 1 else sum(found[0].values()) == pytest.approx(1)


@pytest.mark.parametrize("more", [{}, {"head_norm": False, "hidden": 4}, {"head_norm": False, "pooling": "mean"}])
@pytest.mark.parametrize("method", ["head", "lora+head"])
def test_a_head_of_another_form_is_not_written_as_if_peft_could_read_it(base, tmp_path, method, more):
    adapter = make_adapter(method, base, **more)
    save_adapter(adapter, tmp_path, base, {})
    assert not (tmp_path / "adapter_config.json").exists()
    torch.testing.assert_close(ours(base, load_adapter(tmp_path, base)), ours(base, adapter))


def test_a_classifier_with_another_layout_is_refused_in_one_line(base, tmp_path):
    save_adapter(make_adapter("lora+head", base, head_norm=False), tmp_path, base, {})
    (tmp_path / "manifest.json").unlink()
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "modules_to_save": ["classifier"]}))
    with pytest.raises(AdapterError, match="modules_to_save, which is not supported") as caught:
        load_adapter(tmp_path, base)
    assert "\n" not in str(caught.value)


def test_a_trained_run_opens_in_peft(base, tmp_path):
    rows = write_rows(tmp_path / "rows.csv")
    run = tune(base, rows, out=tmp_path / "out", **{**QUICK, "method": "lora+head", "rank": 2, "head_norm": False})
    same(base, run.adapter, peft.PeftModel.from_pretrained(theirs_of(base, 2), run.folder))
