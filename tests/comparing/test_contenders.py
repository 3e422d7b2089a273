"""What each contender chooses, and who cannot take part."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capotasto.comparing.carrying import carry_out, contender
from capotasto.comparing.contender import Ready
from capotasto.comparing.contenders import CONTENDERS, instruction, retrieval
from capotasto.comparing.contenders.calibrated import CONTENT_FREE
from capotasto.comparing.framing import after_dialogues
from capotasto.session import Base
from capotasto.types import Example, Turn
from tests.comparing.making import make_contest, write_answers
from tests.making import WORDS


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Questions with written answers."""
    return write_answers(tmp_path / "faq.jsonl", 4)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Plain text."""
    path = tmp_path / "notes.txt"
    path.write_text("\n\n".join(f"{word} and {other} in the north" for word in WORDS for other in WORDS[:4]))
    return path


def test_those_who_cannot_take_part_say_why(base: Base, rows: Path, texts: Path, notes: Path, tmp_path: Path) -> None:
    def out(data: Path) -> dict[str, str]:
        contest = make_contest(base, data, tmp_path / "out")
        return {name: why for name in CONTENDERS if (why := contender(name).unfit(contest))}

    assert out(rows) == {"retrieval": "no documents were given; name them with --docs DIR"}
    assert set(out(texts)) == {"calibrated", "retrieval", "head", "ensemble"}
    assert "the task has none" in out(texts)["head"]
    assert set(out(notes)) == {*out(texts), "few-shot", "nearest-shot", "instruction", "hybrid"}
    assert "plain text" in out(notes)["few-shot"]


def test_few_shot_takes_each_label_in_turn_and_what_is_best_on_validation(
    base: Base, rows: Path, tmp_path: Path
) -> None:
    contest = make_contest(base, rows, tmp_path / "out")
    ready = contender("few-shot").make(contest, tmp_path, 5.0)
    shots = ready.frame.keywords["shots"]
    assert ready.settings["shots"] == len(shots)
    assert [shot.label for shot in shots] == [("dry", "wet")[i % 2] for i in range(len(shots))]
    assert {shot.place for shot in shots} <= {row.place for row in contest.task.splits.train}
    again = contender("few-shot").make(contest, tmp_path, 5.0)
    assert again.settings == ready.settings
    val, fewest = contest.task.splits.val, Ready(partial(after_dialogues, shots=shots[:1]))
    assert contest.answer(ready, val).merit >= contest.answer(fewest, val).merit


def test_nearest_shot_puts_the_most_similar_last(base: Base, rows: Path, tmp_path: Path) -> None:
    contest = make_contest(base, rows, tmp_path / "out")
    frame = contender("nearest-shot").make(contest, tmp_path, 5.0).frame
    twin = contest.task.splits.train[7]
    asked = Example((Turn("user", twin.prompt), Turn("assistant", "wet", learn=True)))
    framed = frame(asked)
    assert framed.turns[-3:-1] == (Turn("assistant", twin.completion), asked.turns[0])
    assert framed.turns[-4].content == twin.prompt
    assert len(framed.turns) == 2 + 2 * frame.count


def test_calibration_divides_by_what_the_base_finds_likely_anyway(base: Base, rows: Path, tmp_path: Path) -> None:
    contest = make_contest(base, rows, tmp_path / "out")
    ready = contender("calibrated").make(contest, tmp_path, 5.0)
    val, bare = contest.task.splits.val, Ready()
    empty = [Example((Turn("user", text), Turn("assistant", "", learn=True))) for text in CONTENT_FREE]
    priors = {
        "batch": np.exp(contest.answer(bare, val).answers.chances).mean(0),
        "contextual": np.exp(contest.answer(bare, empty).answers.chances).mean(0),
    }
    np.testing.assert_allclose(ready.offsets, -np.log(priors[ready.settings["calibration"]]))
    truth = contest.answer(bare, val).answers.truth
    right = {
        name: ((contest.answer(bare, val).answers.chances - np.log(one)).argmax(1) == truth).mean()
        for name, one in priors.items()
    }
    assert right[ready.settings["calibration"]] == max(right.values())
    assert contest.answer(ready, val).answers.chosen.tolist() == (
        (contest.answer(bare, val).answers.chances + ready.offsets).argmax(1).tolist()
    )


def test_the_instruction_is_the_best_of_those_tried(
    base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contest = make_contest(base, rows, tmp_path / "out")
    monkeypatch.setattr(instruction, "_by_base", lambda contest: ["one", "the best one", "two"])
    tried: list[tuple[str, int]] = []

    def merit(contest: Any, text: str, rows: int) -> tuple[float, float]:
        tried.append((text, rows))
        return (1.0 if "the best one" in text else 0.0, -len(text))

    monkeypatch.setattr(instruction, "_merit", merit)
    ready = contender("instruction").make(contest, tmp_path, 5.0)
    assert ready.settings["instruction"] == "the best one"
    assert ready.settings["candidates"] == 4 + 3
    first, last = tried[0][1], tried[-1][1]
    compared = [text for text, count in tried if count == first]
    assert compared == [*instruction.by_hand(["dry", "wet"]), "one", "the best one", "two"]
    assert sum(count == last for _, count in tried) < 7, "fewer are compared on more rows"
    assert {"the best one one", "one the best one"} <= {text for text, _ in tried}, "pairs of the best"


def test_the_base_writes_instructions_of_its_own(base: Base, rows: Path, tmp_path: Path) -> None:
    contest = make_contest(base, rows, tmp_path / "out")
    assert contender("instruction").make(contest, tmp_path, 1.0).settings["candidates"] > 4


def test_retrieval_puts_passages_before_the_question(
    base: Base, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Passage:
        text = "It rains because of the north."

    class Found:
        passage = Passage()

    class Index:
        def search(self, query: str, k: int) -> list[Found]:
            return [Found()] * k

    monkeypatch.setattr(retrieval, "_opened", lambda docs, place: (str(tmp_path), Index()))
    contest = make_contest(base, texts, tmp_path / "out", docs=str(tmp_path))
    ready = contender("retrieval").make(contest, tmp_path, 5.0)
    framed = ready.frame(contest.task.splits.test[0])
    passages = framed.turns[-2].content.removesuffix("\n\n" + contest.task.splits.test[0].prompt).split("\n\n")
    assert passages == [retrieval.TASK, *[Passage.text] * ready.settings["passages"]]
    assert contender("retrieval").stale(contest, {"docs": "elsewhere"})
    assert not contender("retrieval").stale(contest, ready.settings)


def test_who_fails_is_recorded_with_the_reason(
    base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*anything: object) -> Ready:
        raise RuntimeError("out of memory. You tried\nto allocate")

    monkeypatch.setattr(type(contender("zero-shot")), "make", broken)
    record = carry_out(make_contest(base, rows, tmp_path / "out"), "zero-shot")
    assert (record["status"], record["reason"]) == ("failed", "out of memory")
    assert record["scores"] == record["costs"] == {}
    alone = carry_out(make_contest(base, rows, tmp_path / "out"), "hybrid")
    assert alone["status"] == "failed"
    assert "no trained adapter" in alone["reason"]
    assert "--methods" in alone["reason"]
