"""Curricula from files: what difficulty is, and that it is asked for once."""

import random
from pathlib import Path

import pytest

from capotasto import tune
from capotasto.errors import UserError
from capotasto.experiment import difficulty
from capotasto.experiment.plan import Plan, plan
from capotasto.experiment.settings import TuneSettings
from capotasto.session import Base
from tests.experiment.runs import QUICK, steps_logged, tune_until
from tests.refusing import refused


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    """Texts with a label and a grade, in no order."""
    chance = random.Random(1)
    grades = chance.sample(range(1000), 30)
    lines = [f"text {i} {'x ' * chance.randint(1, 9)},{('dry', 'wet')[i % 2]},{grades[i] / 8}" for i in range(30)]
    path = tmp_path / "graded.csv"
    path.write_text("\n".join(["text,label,grade", *lines]) + "\n")
    return path


def look(base: Base, source: Path, **settings: object) -> Plan:
    return plan(base, str(source), source.parent / "plan", TuneSettings(**{**QUICK, **settings}))


def by_difficulty(made: Plan) -> list[int]:
    curriculum = made.job.order.curriculum
    assert curriculum is not None
    return sorted(range(len(curriculum.ranks)), key=curriculum.ranks.__getitem__)


def test_a_column_of_numbers(base: Base, graded: Path) -> None:
    made = look(base, graded, curriculum="column:grade")
    grades = {line.split(",")[0].strip(): float(line.split(",")[2]) for line in graded.read_text().splitlines()[1:]}
    found = [grades[made.splits.train[row].prompt.strip()] for row in by_difficulty(made)]
    assert found == sorted(found)


def test_length(base: Base, graded: Path) -> None:
    made = look(base, graded, curriculum="length")
    lengths = [len(made.job.rows[row].ids) for row in by_difficulty(made)]
    assert lengths == sorted(lengths)
    assert len(set(lengths)) > 3


def test_loss_of_the_bare_base(base: Base, graded: Path) -> None:
    made = look(base, graded, curriculum="loss", method="head")
    asked = [base.loss([made.splits.train[row]])[0] for row in by_difficulty(made)]
    losses = [nats / tokens for nats, tokens in asked]
    assert losses == pytest.approx(sorted(losses), rel=1e-4)


def test_the_loss_is_asked_once(base: Base, graded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**QUICK, "curriculum": "loss", "name": "one"}
    tune(base, graded, out=graded.parent / "whole", **settings)
    tune_until(4, base, graded, graded.parent / "stopped", **settings)
    monkeypatch.setattr(difficulty, "score", None)
    tune(base, graded, out=graded.parent / "stopped", **settings, resume=True)
    assert steps_logged(graded.parent / "stopped") == steps_logged(graded.parent / "whole")


def test_other_grades_are_another_run(base: Base, graded: Path) -> None:
    settings = {**QUICK, "curriculum": "column:grade", "epochs": 1}
    tune(base, graded, out=graded.parent / "out", **settings)
    lines = graded.read_text().splitlines()
    graded.write_text("\n".join([lines[0], *(f"{line}5" for line in lines[1:])]))
    with pytest.raises(UserError, match="holds a finished run with another base, data or settings"):
        tune(base, graded, out=graded.parent / "out", **settings, resume=True)


@pytest.mark.parametrize(
    ("curriculum", "last", "words"),
    [
        ("column:grad", "1", ["graded.csv has no column 'grad'", "did you mean 'grade'"]),
        ("column:grade", "hard", ["graded.csv:32", "'grade' holds 'hard'", "a number", "--on-bad-row skip"]),
        ("column:grade", "", ["graded.csv:32", "'grade' holds ''", "a number"]),
        ("column:grade", "nan", ["graded.csv:32", "'grade' holds 'nan'"]),
        ("column:", "1", ["'curriculum'", "column:NAME", "got 'column:'"]),
        ("size", "1", ["'curriculum'", "none, length, loss or column:NAME", "got 'size'"]),
    ],
)
def test_one_line_says_what_is_wrong(base: Base, graded: Path, curriculum: str, last: str, words: list[str]) -> None:
    graded.write_text(graded.read_text() + f"one more,dry,{last}\n")
    with refused(*words):
        tune(base, graded, out=graded.parent / "out", **{**QUICK, "curriculum": curriculum})
    assert not (graded.parent / "out").exists()
