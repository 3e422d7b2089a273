"""The sentence that says whether an adapter helps, and what is said when it does not learn."""

import numpy as np
import pytest

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.judge import Judgement, judge
from capotasto.evaluate.verdict import diagnosis, verdict

ROWS = 60
NORMS, GRADIENTS = np.full(5, 1.0), [0.5, 0.2]


def by_loss(mean: float, rows: int = ROWS, seed: int = 0) -> Answers:
    return Answers(np.random.default_rng(seed).normal(mean, 0.3, rows) * 4, np.full(rows, 4))


def by_label(hits: int, rows: int = ROWS) -> Answers:
    """So many right answers, spread over both labels."""
    truth = np.arange(rows) % 2
    chosen = np.where(np.arange(rows) < hits, truth, 1 - truth)
    return Answers(np.ones(rows), np.ones(rows, int), chosen, truth, classes=2)


def pair(base: Answers, tuned: Answers) -> tuple[Judgement, Judgement]:
    return judge(base), judge(tuned, base)


@pytest.mark.parametrize(
    ("base", "tuned", "helps", "words"),
    [
        (by_loss(3.0), by_loss(2.0, seed=1), True, ["It helps", "held-out loss", "60 untouched rows"]),
        (by_loss(2.0), by_loss(3.0, seed=1), False, ["It harms", "use the base as it is"]),
        (by_loss(2.0), by_loss(2.0, seed=1), False, ["No measurable difference", "includes zero"]),
        (by_label(20), by_label(55), True, ["It helps", "accuracy", "33.3 %", "91.7 %"]),
        (by_label(55), by_label(20), False, ["It harms", "accuracy"]),
        (by_label(30), by_label(31), False, ["No measurable difference"]),
        (by_label(0, 4), by_label(4, 4), False, ["Too few rows to tell", "4 untouched rows", "needed"]),
    ],
)
def test_the_verdict(base: Answers, tuned: Answers, helps: bool, words: list[str]) -> None:
    found, sentence = verdict(*pair(base, tuned))
    assert found is helps
    assert [word for word in words if word not in sentence] == [], sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_numbers_in_the_sentence_are_the_scores() -> None:
    base, tuned = pair(by_loss(3.0), by_loss(2.0, seed=1))
    _, sentence = verdict(base, tuned)
    for scores in (base.scores["loss"], tuned.scores["loss"]):
        assert f"{scores.value:.3f} ({scores.low:.3f}–{scores.high:.3f})" in sentence


def diagnosed(
    base: Answers, tuned: Answers, norms: np.ndarray = NORMS, gradients: list[float] = GRADIENTS
) -> list[str]:
    return diagnosis(*pair(base, tuned), norms, 1.0, gradients, ["ham", "spam"])


def test_a_prompt_that_learnt_has_no_diagnosis() -> None:
    assert diagnosed(by_loss(3.0), by_loss(2.0, seed=1)) == []
    assert diagnosed(by_label(20), by_label(55)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"norms": np.full(5, 9.0)}, ["9.0 times as long", "--init text:"]),
        ({"norms": np.full(5, 0.1)}, ["0.1 times as long", "--init text:"]),
        ({"gradients": [1e-9, 1e-8]}, ["gradients are almost zero", "completions"]),
    ],
)
def test_signs_that_a_prompt_cannot_learn(change: dict, words: list[str]) -> None:
    (found,) = diagnosed(by_loss(3.0), by_loss(2.0, seed=1), **change)
    assert [word for word in words if word not in found] == []


def test_no_gain_is_said_with_what_to_try() -> None:
    (found,) = diagnosed(by_loss(2.0), by_loss(2.0, seed=1))
    assert "no better than the base" in found
    assert "--tokens" in found


def test_collapse_to_one_class_is_seen() -> None:
    truth = np.arange(ROWS) % 2
    collapsed = Answers(np.ones(ROWS), np.ones(ROWS, int), np.ones(ROWS, int), truth, classes=2)
    found = diagnosed(by_label(30), collapsed)
    assert any("'spam' on 60 of 60 rows" in line and "collapse" in line for line in found)


def test_one_frequent_label_is_no_collapse() -> None:
    """Where nearly all rows have that label, answering it nearly always is right."""
    truth = (np.arange(ROWS) > 56).astype(int)
    steady = Answers(np.ones(ROWS), np.ones(ROWS, int), truth.copy(), truth, classes=2)
    assert not any("collapse" in line for line in diagnosed(steady, steady))
