"""Long plain texts in windows: nothing is lost, nothing is learnt twice, and no window sees another one."""

import copy
import json

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing

from capotasto import tune
from capotasto.evaluate.judge import ask, judge
from capotasto.objectives import row_losses
from capotasto.tokens.render import Renderer
from capotasto.types import Example, Turn
from tests import reference
from tests.making import make_adapter, make_base
from tests.tiny import tiny_tokenizer

TEXT = "the rain in the north and the sun on the shore: one question, another answer. " * 6


def text(content: str = TEXT) -> Example:
    return Example((Turn("text", content, learn=True),), place="t:1")


def with_bos():
    """A tokenizer that begins every text with <s>, as Llama's does."""
    tokenizer = copy.deepcopy(tiny_tokenizer())
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    return tokenizer


@pytest.mark.parametrize("placement", ["front", "after_bos"])
@pytest.mark.parametrize("begins", [False, True])
@pytest.mark.parametrize("length", [8, 9, 50, 1000])
def test_every_token_but_the_first_is_learnt_once(length: int, begins: bool, placement: str) -> None:
    tokenizer = with_bos() if begins else tiny_tokenizer()
    renderer = Renderer(tokenizer, placement, length)
    rows = renderer.windows(text())
    ids = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    learnt = [one for row in rows for one, is_learnt in zip(row.ids, row.learn, strict=True) if is_learnt]
    assert learnt == (ids if begins else ids[1:])
    sizes = [len(row.ids) for row in rows]
    assert max(sizes) <= length
    assert max(sizes) - min(sizes) <= 1
    assert all(row.cut == 0 and not row.learn[0] for row in rows)
    before = [tokenizer.bos_token_id] * len(rows) if begins else [row.ids[-1] for row in rows[:-1]]
    assert [row.ids[0] for row in rows][not begins :] == before
    assert {row.slot for row in rows} == {int(begins and placement == "after_bos")}


def test_what_fits_and_what_is_no_text_stays_one_row() -> None:
    renderer = Renderer(tiny_tokenizer(), max_length=60)
    dialogue = Example((Turn("user", TEXT), Turn("assistant", "yes", learn=True)))
    for one in (text("the rain"), dialogue):
        assert renderer.windows(one) == [renderer.encode(one)]


@pytest.mark.parametrize("method", ["prompt", "prefix", "lora"])
def test_windows_and_texts_do_not_see_each_other(method: str) -> None:
    """In one batch each has the loss that it has alone, through the model's own code."""
    base = make_base("llama", torch.float64)
    adapter, model = make_adapter(method, base), reference.untouched(base)
    renderer = base.renderer(adapter, 40)
    rows = [row for one in (text(), text(TEXT[30:])) for row in renderer.windows(one)]
    assert len(rows) > 6
    sums, counts = row_losses(base, rows, [adapter] * len(rows))
    alone = torch.stack([reference.loss_alone(model, row, adapter) for row in rows])
    torch.testing.assert_close(sums, alone, rtol=1e-6, atol=1e-8)
    assert sum(counts) == sum(len(row.ids) - 1 for row in rows)


def test_a_text_is_one_row_of_the_scores() -> None:
    base = make_base("llama", torch.float64)
    renderer = base.renderer(None, 40)
    examples = [text(), text("the rain"), text(TEXT[30:])]
    answers = ask(base, renderer, examples, [], None)
    assert answers.rows == 3
    for example, total, count in zip(examples, answers.sums, answers.counts, strict=True):
        rows = renderer.windows(example)
        sums, counts = row_losses(base, rows, [None] * len(rows))
        assert (total, count) == (pytest.approx(float(sums.sum())), sum(counts))
    assert judge(answers).scores["loss"].value == pytest.approx(float(np.sum(answers.sums) / np.sum(answers.counts)))


def test_training_on_long_texts_uses_all_of_them(tmp_path) -> None:
    base = make_base("llama", torch.float32)
    path = tmp_path / "chapters.jsonl"
    path.write_text("".join(json.dumps({"text": f"{i} {TEXT}"}) + "\n" for i in range(12)))
    run = tune(base, path, out=tmp_path / "out", tokens=2, init="vocab", epochs=1, max_length=50, lr=0.01)
    whole = base.renderer(None, 1 << 20)
    steps = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    learnt = sum(step["learnt"] for step in steps if step["kind"] == "step")
    least = len(whole.encode(text(f"0 {TEXT}")).ids) - 1
    assert learnt >= run.record["rows"]["train"] * least
    assert run.record["data"]["truncated"] == 0
