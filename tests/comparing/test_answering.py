"""All contenders answer through one evaluation; here each kind against the obvious lines."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from capotasto.comparing.answering import answer, moved
from capotasto.comparing.contender import Ready
from capotasto.comparing.framing import after_dialogues, after_text
from capotasto.evaluate.wishes import Wishes
from capotasto.session import Base
from capotasto.types import Example, Turn
from tests.making import make_adapter, make_base, make_examples
from tests.reference import loss_alone, untouched

LABELS = ["dry", "wet", "neither"]
ROOM = 200


@pytest.fixture(scope="module")
def base() -> Base:
    return make_base()


def labelled(count: int) -> list[Example]:
    texts = ["rain and sun", "the north", "one question, another answer", "snow on the shore", "hail"]
    return [
        Example((Turn("user", texts[i]), Turn("assistant", LABELS[i % 2], learn=True)), LABELS[i % 2], f"rows:{i}")
        for i in range(count)
    ]


def by_hand(base: Base, rows: list[Example], adapter=None) -> np.ndarray:
    """[N, C] label by label, one row at a time, by the model's own code; then normed."""
    model, renderer = untouched(base), base.renderer(adapter, ROOM - (adapter.tokens if adapter else 0))
    found = []
    for row in rows:
        prompt = renderer.prompt(row.turns[:-1], renderer.longest(LABELS))
        with torch.no_grad():
            found.append([-float(loss_alone(model, renderer.answer(prompt, label), adapter)) for label in LABELS])
    chances = np.exp(np.array(found))
    return np.log(chances / chances.sum(1, keepdims=True))


def test_examples_before_the_question(base: Base) -> None:
    rows, shots = labelled(3), labelled(5)[3:]
    found = answer(base, Ready(partial(after_dialogues, shots=shots)), rows, LABELS, ROOM)
    framed = [
        Example((*(turn for shot in shots for turn in (shot.turns[0], Turn("assistant", shot.completion))), *row.turns))
        for row in rows
    ]
    np.testing.assert_allclose(found.answers.chances, by_hand(base, framed), atol=1e-5)
    assert found.prompt > answer(base, Ready(), rows, LABELS, ROOM).prompt + 2 * 8


def test_a_text_before_the_question_and_an_adapter(base: Base) -> None:
    rows, adapter = labelled(3), make_adapter("prompt", base)
    found = answer(base, Ready(partial(after_text, text="Wet or dry?"), (adapter,)), rows, LABELS, ROOM)
    framed = [Example((Turn("user", f"Wet or dry?\n\n{row.prompt}"), row.turns[-1])) for row in rows]
    np.testing.assert_allclose(found.answers.chances, by_hand(base, framed, adapter), atol=1e-5)


def test_an_ensemble_is_the_mean_of_the_chances(base: Base) -> None:
    rows, members = labelled(3), (make_adapter("prompt", base, seed=1), make_adapter("prompt", base, 7, seed=2))
    found = answer(base, Ready(adapters=members), rows, LABELS, ROOM)
    alone = [answer(base, Ready(adapters=(one,)), rows, LABELS, ROOM) for one in members]
    np.testing.assert_allclose(
        np.exp(found.answers.chances), np.mean([np.exp(one.answers.chances) for one in alone], axis=0)
    )
    assert found.tokens == sum(one.tokens for one in alone)


def test_offsets_move_chances_and_all_that_follows_from_them(base: Base) -> None:
    rows = labelled(4)
    found = answer(base, Ready(), rows, LABELS, ROOM)
    offsets = [0.0, 30.0, 0.0]
    after = moved(found, offsets)
    assert after.answers.chosen.tolist() == [1] * 4
    assert after.quality.tolist() == [0, 1, 0, 1]
    wanted = found.answers.chances + offsets
    wanted -= np.log(np.exp(wanted).sum(1, keepdims=True))
    np.testing.assert_allclose(after.answers.chances, wanted)
    np.testing.assert_allclose(after.answers.sums, [-wanted[i, i % 2] for i in range(4)])
    assert after.merit == (0.5, pytest.approx(-after.answers.sums.sum() / after.answers.counts.sum()))


def test_an_unknown_true_label_is_wrong_and_never_infinite(base: Base) -> None:
    row = Example((Turn("user", "rain"), Turn("assistant", "fog", learn=True)), "fog")
    found = answer(base, Ready(), [row], LABELS, ROOM)
    assert found.answers.truth.tolist() == [-1]
    assert found.quality.tolist() == [0]
    assert found.answers.sums.tolist() == [50.0]


def test_texts_are_scored_whole(base: Base) -> None:
    rows = make_examples(4)
    found = answer(base, Ready(partial(after_text, text="Answer.")), rows, [], ROOM)
    model, renderer = untouched(base), base.renderer(None, ROOM)
    for number, row in enumerate(rows):
        framed = Example((Turn("user", f"Answer.\n\n{row.prompt}"), row.turns[-1]))
        assert found.answers.sums[number] == pytest.approx(float(loss_alone(model, renderer.encode(framed), None)))
    np.testing.assert_allclose(found.quality, -found.answers.sums / found.answers.counts)
    assert found.answers.chances is found.answers.written is None


def test_what_is_written_is_compared_with_what_is_wanted(base: Base) -> None:
    scorer = pytest.importorskip("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    rows = make_examples(3)
    ready = Ready(partial(after_text, text="Answer."))
    found = answer(base, ready, rows, [], ROOM, Wishes(("rouge_l",), tokens=6))
    texts = base.generate([f"Answer.\n\n{row.prompt}" for row in rows], max_new_tokens=6)
    assert found.answers.written == texts
    wanted = [scorer.score(row.completion, text)["rougeL"].fmeasure for row, text in zip(rows, texts, strict=True)]
    np.testing.assert_allclose(found.quality, wanted)
    assert found.tokens > answer(base, ready, rows, [], ROOM).tokens


def test_system_turns_stay_first_and_earlier_turns_in_order() -> None:
    row = Example((Turn("system", "s"), Turn("user", "q"), Turn("assistant", "a", learn=True)))
    shot = Example((Turn("system", "other"), Turn("user", "Q"), Turn("assistant", "A", learn=True)))
    framed = after_dialogues(row, [shot])
    assert [(turn.content, turn.learn) for turn in framed.turns] == [
        ("s", False),
        ("Q", False),
        ("A", False),
        ("q", False),
        ("a", True),
    ]
    assert [turn.content for turn in after_text(framed, "T").turns] == ["s", "Q", "A", "T\n\nq", "a"]


def test_a_long_row_loses_what_stands_before_its_question(base: Base, tmp_path: Path) -> None:
    rows, shots = labelled(2), labelled(5) * 4
    found = answer(base, Ready(partial(after_dialogues, shots=shots)), rows, LABELS, 60)
    assert found.prompt <= 60
    assert np.isfinite(found.answers.chances).all()
