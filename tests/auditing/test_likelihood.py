"""Scores of candidates against the naive twin, and what is supervised in a row."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from capotasto.auditing.likelihood import likelihoods
from capotasto.auditing.probe import Candidate, Item
from capotasto.auditing.rows import encode, prompt, renderers
from capotasto.errors import AdapterError
from capotasto.evaluate import questions
from capotasto.session import Base
from tests import reference
from tests.making import make_adapter, make_base
from tests.tiny import tiny_base, tiny_metaspace_tokenizer, tiny_tokenizer

ITEMS = [
    Item((Candidate("the rain in the", " north"), Candidate("the rain in the", " sun and the shore"))),
    Item((Candidate("", "One question, another answer."), Candidate("", "one more"))),
    Item((Candidate("the sun on", " the shore: one"),)),
]


@pytest.fixture(scope="module")
def exact() -> Base:
    return make_base("llama", torch.float64)


def test_every_score_is_that_of_the_row_alone(exact: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each candidate and each contender, whatever else is in the batch."""
    monkeypatch.setattr("capotasto.auditing.likelihood.BATCH_TOKENS", 60)
    contenders = [None, make_adapter("prompt", exact), make_adapter("lora", exact), make_adapter("full", exact)]
    found = likelihoods(exact, ITEMS, contenders, greedy=True)
    model = reference.untouched(tiny_base("llama", torch.float64))
    for adapter, renderer, scores in zip(contenders, renderers(exact, contenders), found, strict=True):
        for item, told in zip(ITEMS, scores, strict=True):
            rows = [encode(renderer, candidate) for candidate in item.candidates]
            alone = [reference.loss_alone(model, row, adapter).item() for row in rows]
            np.testing.assert_allclose(told.nats, alone, atol=1e-9)
            assert told.tokens.tolist() == [sum(row.learn) for row in rows]


def test_greedy_is_what_the_model_would_write(exact: Base) -> None:
    """For contexts behind which what is written becomes the very token again."""
    adapter = make_adapter("prefix", exact)
    [renderer] = renderers(exact, [adapter])
    model = reference.untouched(tiny_base("llama", torch.float64))
    checked = 0
    for context in ("the rain in", "one", "the sun on the shore", "another question", "north and", "two or"):
        written = reference.generate_alone(model, prompt(renderer, context), adapter, 1)
        text = exact.tokenizer.decode(written)
        if encode(renderer, Candidate(context, text)).ids == (*prompt(renderer, context).ids, *written):
            item = Item((Candidate(context, text), Candidate(context, text + " one"), Candidate(context, "zebra")))
            [told] = likelihoods(exact, [item], [adapter], greedy=True)[0]
            longer = reference.generate_alone(model, prompt(renderer, context), adapter, 9)
            would = exact.tokenizer.decode(longer).startswith(text + " one")
            assert told.greedy is not None
            assert told.greedy.tolist() == [True, would, False]
            checked += 1
    assert checked


def test_the_base_is_asked_once_for_all_adapters(exact: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[object] = []
    honest = questions.row_losses

    def counted(base, batch, adapters, **more):
        rows.extend(adapters)
        return honest(base, batch, adapters, **more)

    monkeypatch.setattr(questions, "row_losses", counted)
    likelihoods(exact, ITEMS, [None, make_adapter("prompt", exact), make_adapter("lora", exact)])
    assert rows.count(None) == 5
    assert len(rows) == 15


def test_numbers_that_are_not_finite_are_no_scores(exact: Base) -> None:
    broken = make_adapter("prompt", exact, name="tickets")
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(AdapterError, match="adapter 'tickets' computes numbers that are not finite"):
        likelihoods(exact, ITEMS, [None, broken])


def test_a_sentence_is_scored_from_its_first_token(exact: Base) -> None:
    row = encode(renderers(exact, [None])[0], Candidate("", "the rain"))
    assert row.ids[0] == exact.tokenizer.bos_token_id
    assert row.learn == (False, *[True] * (len(row.ids) - 1))
    assert exact.tokenizer.decode(row.ids[1:]) == "the rain"


def test_only_the_candidate_is_supervised(exact: Base) -> None:
    row = encode(renderers(exact, [None])[0], Candidate("the rain", " in the north"))
    supervised = [i for i, learnt in zip(row.ids, row.learn, strict=True) if learnt]
    assert exact.tokenizer.decode(supervised) == " in the north"
    assert exact.tokenizer.decode(row.ids) == "the rain in the north"


@pytest.mark.parametrize("tokenizer", [tiny_tokenizer, tiny_metaspace_tokenizer])
def test_rows_are_those_of_lm_eval(tokenizer: Callable[[], Any]) -> None:
    """By its own code, with the same tokenizer."""
    twin = pytest.importorskip("lm_eval.api.model").TemplateLM
    base = replace(make_base("llama", torch.float32), tokenizer=tokenizer())
    given = SimpleNamespace(backend="causal", tok_encode=lambda text: base.tokenizer(text)["input_ids"])
    for context, text in (("the rain", " in the north"), ("the rain ", "and"), ("Q: one?\nA:", " two."), ("a", "b")):
        known, continued = twin._encode_pair(given, context, text)
        row = encode(renderers(base, [None])[0], Candidate(context, text))
        assert (list(row.ids), sum(row.learn)) == (known + continued, len(continued))


def test_a_tokenizer_with_word_starts_and_a_beginning_of_its_own() -> None:
    """As Llama 2's: cut apart by themselves, the continuation's first word would begin with another token."""
    base = make_base("llama", torch.float32)
    base = replace(base, tokenizer=tiny_metaspace_tokenizer())
    row = encode(renderers(base, [None])[0], Candidate("the rain", " in the north"))
    whole = base.tokenizer("the rain in the north")["input_ids"]
    assert list(row.ids) == whole
    assert sum(row.learn) == len(whole) - len(base.tokenizer("the rain")["input_ids"])


def test_what_is_too_long_loses_its_beginning(exact: Base) -> None:
    adapter = make_adapter("prompt", exact, size=6)
    bare, tuned = (
        encode(one, Candidate("north and " * 300 + "on", " the shore")) for one in renderers(exact, [None, adapter])
    )
    assert bare.ids == tuned.ids, "base and adapter read the same"
    assert len(bare.ids) == exact.context - 6
    assert exact.tokenizer.decode([i for i, on in zip(bare.ids, bare.learn, strict=True) if on]) == " the shore"


def test_a_prompt_made_for_a_system_turn_stands_before_plain_text(exact: Base) -> None:
    adapter = make_adapter("prompt", exact, placement="system")
    [_, renderer] = renderers(exact, [None, adapter])
    assert encode(renderer, Candidate("the rain", " and")).slot == 0
