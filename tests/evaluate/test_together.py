"""Contenders asked together answer what each answers alone; questions are asked once."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from capotasto import forward
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate import questions, writers
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bare import ask_beside_bare
from capotasto.evaluate.judge import ask, judge
from capotasto.evaluate.together import ask_all
from capotasto.evaluate.wishes import Wishes
from capotasto.session import Base
from capotasto.types import Encoded, Example, Turn
from tests.evaluate.making import labelled
from tests.making import LABELS, make_adapter, make_base, make_examples

WRITING = Wishes(("bleu", "token_f1"), None, 6)


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base()


def texts(count: int) -> list[Example]:
    return [Example((Turn("text", "the rain in the north " * (i + 1), learn=True),)) for i in range(count)]


def assert_same(one: Answers, other: Answers) -> None:
    for field in fields(Answers):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray) and mine.dtype.kind == "f":
            assert mine == pytest.approx(theirs, rel=1e-9), field.name
        elif isinstance(mine, np.ndarray):
            assert (mine == theirs).all(), field.name
        else:
            assert mine == theirs, field.name


CASES = {
    "labels": (labelled(7, LABELS), LABELS, Wishes()),
    "pairs": (make_examples(6), [], Wishes()),
    "pairs that are written": (make_examples(6), [], WRITING),
    "plain text": (texts(3), [], Wishes()),
}


@pytest.mark.parametrize("case", CASES)
def test_together_is_each_alone(base: Base, case: str) -> None:
    """Of every kind: virtual tokens at two places, keys and values, changes of layers, a head, a model of its own."""
    examples, labels, wished = CASES[case]
    heads = [make_adapter("head", base, name="h")] if labels else []
    adapters = [
        None,
        make_adapter("prompt", base, name="p"),
        make_adapter("prompt", base, name="q", seed=1, placement="after_bos"),
        *heads,
        make_adapter("lora", base, name="l"),
        make_adapter("prefix", base, name="x"),
        make_adapter("full", base, name="f"),
    ]
    found = ask_all(base, base.renderer(None, 64), examples, labels, adapters, wishes=wished)
    for one, answers in zip(adapters, found, strict=True):
        assert_same(answers, ask(base, base.renderer(one, 64), examples, labels, one, wishes=wished))
    assert found[0].sums != pytest.approx(found[1].sums), "they differ from each other"


def test_contenders_share_batches_and_compute_nothing_more(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """What rows of one adapter begin with is computed once, however many others are in the batch."""
    computed: list[int] = []
    call = forward._call

    def counted(model: object, embeds: torch.Tensor, *more: object) -> torch.Tensor:
        computed.append(len(embeds))
        return call(model, embeds, *more)

    monkeypatch.setattr(forward, "_call", counted)
    adapters = [None, make_adapter("prompt", base), make_adapter("prompt", base, seed=1)]
    rows = [
        replace(one, turns=(Turn("user", f"The question is {i}"), one.turns[1]))
        for i, one in enumerate(labelled(5, LABELS))
    ]
    for one in adapters:
        questions.choose(base, base.renderer(None, 64), rows, LABELS, one)
    alone, computed[:] = list(computed), []
    asked = questions.options(base.renderer(None, 64), rows, LABELS)
    turns = [(i, who) for i in range(5) for who in adapters]  # they come one after the other
    questions.likelihoods(base, [asked[i] for i, _ in turns], [who for _, who in turns])
    assert (len(alone), len(computed)) == (3, 1)
    assert sum(alone) == sum(computed)


def test_the_bare_base_comes_first(base: Base) -> None:
    adapter, rows = make_adapter("prompt", base), labelled(5, LABELS)
    bare, tuned = ask_beside_bare(base, base.renderer(None, 64), rows, LABELS, rows, [adapter])
    assert_same(bare, ask(base, base.renderer(None, 64), rows, LABELS, None))
    assert_same(tuned, ask(base, base.renderer(None, 64), rows, LABELS, adapter))


def scored(monkeypatch: pytest.MonkeyPatch) -> list[Encoded]:
    """The rows whose loss is asked for beside the labels'."""
    seen: list[Encoded] = []

    def score(base: Base, rows: list[Encoded], adapters: list, trunk: object = None) -> tuple[np.ndarray, np.ndarray]:
        seen.extend(rows)
        return questions.score(base, rows, adapters, trunk)

    monkeypatch.setattr(writers, "score", score)
    return seen


@pytest.mark.parametrize("tuned", [False, True])
def test_the_loss_of_the_true_label_is_not_asked_twice(
    base: Base, monkeypatch: pytest.MonkeyPatch, tuned: bool
) -> None:
    adapter, examples = make_adapter("prompt", base) if tuned else None, labelled(8, LABELS)
    renderer, seen = base.renderer(adapter), scored(monkeypatch)
    found = ask(base, renderer, examples, LABELS, adapter)
    assert seen == []
    sums, counts = questions.score(base, [renderer.encode(one) for one in examples], [adapter] * 8)
    assert found.sums == pytest.approx(sums, rel=1e-12)
    assert (found.counts == counts).all()


def test_the_loss_is_asked_where_it_is_another_question(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is cut otherwise when the longest label must fit, a label that training did not know, and a completion
    that is not the label."""
    long = Example((Turn("user", "xyz" * 60), Turn("assistant", LABELS[0], learn=True)), label=LABELS[0])
    new = Example((Turn("user", "why"), Turn("assistant", "strange", learn=True)), label="strange")
    other = Example((Turn("user", "why"), Turn("assistant", "It is neutral.", learn=True)), label=LABELS[1])
    renderer, seen = base.renderer(None, 60), scored(monkeypatch)
    names = [*LABELS, "a very long label"]
    found = ask(base, renderer, [long, new, other, *labelled(3, LABELS)], names, None)
    assert seen == [renderer.encode(one) for one in (long, new, other)]
    every = [renderer.encode(one) for one in (long, new, other, *labelled(3, LABELS))]
    sums, counts = questions.score(base, every, [None] * 6)
    assert found.sums == pytest.approx(sums, rel=1e-12)
    assert (found.counts == counts).all()
    assert found.truth.tolist() == [0, -1, 1, 0, 1, 2]


def test_rows_of_one_prompt_are_references_for_each_other(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt is written to once, and its rows are resampled together."""
    pairs = [("why", "rain"), ("how", "sun"), ("why", "the rain"), ("why", "north")]
    examples = [Example((Turn("user", ask), Turn("assistant", said, learn=True))) for ask, said in pairs]
    asked: list[Encoded] = []

    def write(base: Base, renderer: object, prompts: list[Encoded], *more: object) -> list[str]:
        asked.extend(prompts)
        return questions.write(base, renderer, prompts, *more)

    monkeypatch.setattr(writers, "write", write)
    found = ask(base, base.renderer(), examples, [], None, wishes=WRITING)
    assert len(asked) == 2
    assert found.prompts.tolist() == [0, 1, 0, 0]
    assert found.written[0] == found.written[2] == found.written[3]
    assert found.references == [["rain", "the rain", "north"], ["sun"], *[["rain", "the rain", "north"]] * 2]
    judged = judge(found, further=WRITING.metrics)
    assert set(judged.scores) == {"loss", "exact_match", "bleu", "token_f1"}


def test_free_text_is_written_only_where_that_is_wished(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many tokens as wished for, or as the longest wanted answer has, and half a row at most."""
    examples, most = make_examples(3), []

    def write(base: Base, renderer: object, prompts: list, adapters: list, settings: GenerateSettings) -> list[str]:
        most.append(settings.max_new_tokens)
        return questions.write(base, renderer, prompts, adapters, settings)

    monkeypatch.setattr(writers, "write", write)
    assert ask(base, base.renderer(), examples, [], None).written is None
    assert ask(base, base.renderer(), examples, [], None, wishes=Wishes(("perplexity",))).written is None
    assert most == []
    for tokens, room in ((2, None), (None, None), (50, 48)):
        ask(base, base.renderer(None, room), examples, [], None, wishes=Wishes(("bleu",), None, tokens))
    assert most == [2, base.renderer().longest([one.completion for one in examples]), 24]


def test_bytes_are_those_of_what_is_learnt(base: Base) -> None:
    examples = [Example((Turn("user", "wie?"), Turn("assistant", "grün", learn=True)))]
    assert ask(base, base.renderer(), examples, [], None).bytes.tolist() == [5]
