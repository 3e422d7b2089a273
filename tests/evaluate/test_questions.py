"""Score, choose and write equal the obvious way of asking: one row at a time through the model's own code."""

import numpy as np
import pytest
import torch

from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate import questions
from capotasto.evaluate.judge import ask, judge
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Example, Turn
from tests import reference
from tests.evaluate.making import labelled
from tests.making import make_adapter, make_base, make_examples, make_rows
from tests.tiny import CONTEXT, tiny_base

LABELS = ["rain", "the sun", "a question of rain"]


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom"])
def pair(request: pytest.FixtureRequest) -> tuple[Base, torch.nn.Module]:
    return make_base(request.param), reference.untouched(tiny_base(request.param))


@pytest.mark.parametrize("tokens", [1, 64, 2048])
def test_score_is_the_loss_of_each_row(
    pair: tuple[Base, torch.nn.Module], monkeypatch: pytest.MonkeyPatch, tokens: int
) -> None:
    base, model = pair
    monkeypatch.setattr(questions, "BATCH_TOKENS", tokens)
    rows, adapter = make_rows(base, 6), make_adapter("prompt", base)
    chosen = [None, adapter, adapter, None, adapter, None]
    sums, counts = questions.score(base, rows, chosen)
    expected = [float(reference.loss_alone(model, row, one)) for row, one in zip(rows, chosen, strict=True)]
    assert sums == pytest.approx(expected, rel=1e-5)
    assert counts.tolist() == [sum(row.learn) for row in rows]
    mine = questions.held_out_loss(base, rows, adapter)
    assert mine == pytest.approx(
        sum(float(reference.loss_alone(model, row, adapter)) for row in rows) / counts.sum(), rel=1e-5
    )


@pytest.mark.parametrize("tuned", [False, True])
def test_choose_is_the_log_probability_of_each_label_as_the_whole_answer(
    pair: tuple[Base, torch.nn.Module], tuned: bool
) -> None:
    base, model = pair
    adapter = make_adapter("prompt", base) if tuned else None
    renderer, examples = base.renderer(), labelled(5, LABELS)
    found = questions.choose(base, renderer, examples, LABELS, adapter)
    for example, chances in zip(examples, found, strict=True):
        for label, chance in zip(LABELS, chances, strict=True):
            row = renderer.encode(Example((example.turns[0], Turn("assistant", label, learn=True))))
            assert chance == pytest.approx(-float(reference.loss_alone(model, row, adapter).detach()), rel=1e-5)


def test_write_is_greedy_and_stops_at_the_end(pair: tuple[Base, torch.nn.Module]) -> None:
    base, model = pair
    renderer, adapter = base.renderer(), make_adapter("prompt", base)
    prompts = [renderer.prompt(example.turns[:-1]) for example in make_examples(4)]
    texts = questions.write(base, renderer, prompts, [None, adapter] * 2, GenerateSettings(max_new_tokens=6))
    for prompt, one, text in zip(prompts, [None, adapter] * 2, texts, strict=True):
        ids = reference.generate_alone(model, prompt, one, 6)
        end = next((i for i, token in enumerate(ids) if token in renderer.stops), 6)
        whole = base.tokenizer.decode(ids[:end], skip_special_tokens=True)
        assert text == whole.removesuffix("\ufffd"), "half a character at the end is not given out"


def test_ask_and_judge_put_it_together(pair: tuple[Base, torch.nn.Module]) -> None:
    base, _ = pair
    examples, adapter = labelled(12, LABELS), make_adapter("prompt", base)
    without = ask(base, base.renderer(), examples, LABELS, None)
    tuned = ask(base, base.renderer(), examples, LABELS, adapter)
    chances = questions.choose(base, base.renderer(), examples, LABELS, adapter)
    assert (tuned.chosen == chances.argmax(1)).all()
    assert tuned.truth.tolist() == [i % 3 for i in range(12)]
    assert tuned.wanted == [example.completion for example in examples]
    judged = judge(tuned, without)
    assert set(judged.scores) == set(judged.difference) == {"loss", "accuracy", "macro_f1", "exact_match"}
    assert judged.scores["accuracy"].value == pytest.approx(float((tuned.chosen == tuned.truth).mean()))
    gap = judged.difference["loss"].value
    assert gap == pytest.approx(judged.scores["loss"].value - judge(without).scores["loss"].value)
    assert all(m.low <= m.value <= m.high for m in judged.scores.values())


def test_without_labels_only_the_loss_is_asked(pair: tuple[Base, torch.nn.Module]) -> None:
    base, _ = pair
    judged = judge(ask(base, base.renderer(), make_examples(4), [], None))
    assert set(judged.scores) == {"loss"}
    assert judged.difference is None


def test_prompts_as_long_as_the_context_are_judged_too() -> None:
    """They lose tokens on the left, as in training: every label, and what is written, has room behind them."""
    base = make_base("gpt2", torch.float32)
    adapter = make_adapter("prompt", base, size=20)
    long = Example((Turn("user", "xyz" * 300), Turn("assistant", LABELS[2], learn=True)), label=LABELS[2])
    renderer = Renderer(base.tokenizer, max_length=CONTEXT - 20)
    found = ask(base, renderer, [long, *labelled(2, LABELS)], LABELS, adapter)
    assert len(found.written) == 3
    assert np.isfinite(found.sums).all()
