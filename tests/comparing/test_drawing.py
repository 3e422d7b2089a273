"""Which rows are used where there is no time for all."""

from dataclasses import replace
from pathlib import Path

from capotasto.comparing.drawing import fewer, notes
from capotasto.session import Base
from tests.comparing.making import TIMES, make_contest

FEW = replace(TIMES, test=5, val=3)


def rare(path: Path) -> Path:
    """Every tenth row has the rare label."""
    rows = [f"text number {i},{'rare' if i % 10 == 0 else 'usual'}" for i in range(120)]
    path.write_text("text,label\n" + "\n".join(rows) + "\n")
    return path


def test_test_rows_stay_in_order_and_validation_rows_begin_with_every_label(base: Base, tmp_path: Path) -> None:
    data = rare(tmp_path / "rare.csv")
    every, few = (make_contest(base, data, tmp_path, times).task for times in (TIMES, FEW))
    assert len(few.splits.test) == 5
    places = [row.place for row in every.splits.test]
    assert [place for place in places if place in {row.place for row in few.splits.test}] == [
        row.place for row in few.splits.test
    ]
    assert few.splits.val == every.splits.val[:3]
    assert {row.label for row in few.splits.val[:2]} == {"rare", "usual"}
    assert sorted(row.place for row in every.splits.val) == sorted({row.place for row in every.splits.val})
    assert few.splits.train == every.splits.train


def test_another_seed_draws_other_rows(base: Base, tmp_path: Path) -> None:
    data = rare(tmp_path / "rare.csv")
    one, same, other = (make_contest(base, data, tmp_path, FEW, seed=seed).task.splits for seed in (0, 0, 1))
    assert one == same
    assert [row.place for row in one.test] != [row.place for row in other.test]


def test_what_a_reader_has_to_know_is_said(base: Base, tmp_path: Path) -> None:
    task = make_contest(base, rare(tmp_path / "rare.csv"), tmp_path).task
    assert notes(task, task, None) == []
    usual = [row for row in task.splits.test if row.label == "usual"][:4]
    said = notes(task, replace(task, splits=replace(task.splits, test=usual)), None)
    assert said[0] == f"4 of {len(task.splits.test)} test rows were judged, drawn by the seed, because of the budget."
    assert said[1] == "No test row has the label 'rare', so nothing is said of it."
    rows = len(task.splits.test)
    [said] = notes(task, task, [row % 2 for row in range(rows)])
    assert said.startswith(f"The {rows} test rows have 2 different prompts: rows that ask the same get one answer")


def test_fewer_training_rows_are_some_of_all(base: Base, tmp_path: Path) -> None:
    task = make_contest(base, rare(tmp_path / "rare.csv"), tmp_path).task
    some = fewer(task, 10, seed=0).splits
    assert len({row.place for row in some.train}) == 10
    assert {row.place for row in some.train} <= {row.place for row in task.splits.train}
    assert (some.val, some.test) == (task.splits.val, task.splits.test)
