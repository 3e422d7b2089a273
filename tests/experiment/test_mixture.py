"""Several data sets, one adapter: from files to scores task by task."""

import json
from pathlib import Path

import pytest
import torch

from capotasto import tune
from capotasto.cli.result import show_scores
from capotasto.data.split import leak_key
from capotasto.experiment.plan import plan
from capotasto.experiment.recipe import Recipe, run_recipe
from capotasto.experiment.settings import TuneSettings
from capotasto.session import Base
from tests.experiment.runs import QUICK, check_stopping_changes_nothing
from tests.refusing import refused

QUICKER = {**QUICK, "epochs": 1}
FRUIT = ["apple", "pear", "plum", "fig", "lime"]


@pytest.fixture
def fruit(tmp_path: Path) -> Path:
    """A second task of labels of its own, with as many rows as half of the first."""
    lines = [f"{FRUIT[i % 5]} number {i},{('sweet', 'sour')[i % 2]}" for i in range(20)]
    path = tmp_path / "fruit.csv"
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A third, without labels."""
    pairs = [{"prompt": f"question {i} of the shore", "completion": f"answer {i}"} for i in range(24)]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(json.dumps(pair) for pair in pairs))
    return path


def look(base: Base, rows: Path, tmp_path: Path, **settings: object):
    return plan(base, str(rows), tmp_path / "plan", TuneSettings(**{**QUICK, **settings}))


def test_each_task_is_judged_by_its_own_labels(base: Base, rows: Path, fruit: Path, answers: Path, tmp_path: Path):
    run = tune(base, rows, out=tmp_path / "out", mix=f"{fruit},{answers}=talk", **QUICKER)
    tasks = run.record["tasks"]
    assert list(tasks) == ["rows", "fruit", "talk"]
    assert [tasks[name]["labels"] for name in tasks] == [["dry", "wet"], ["sour", "sweet"], []]
    assert set(tasks["fruit"]["scores"]["tuned"]) == {"loss", "accuracy", "macro_f1", "exact_match"}
    assert set(tasks["talk"]["scores"]["tuned"]) == {"loss"}
    assert set(run.scores["tuned"]) == {"loss"}, "not every task has labels"
    assert run.record["rows"]["test"] == sum(task["rows"]["test"] for task in tasks.values())
    assert sum(task["rate"] for task in tasks.values()) == pytest.approx(1)
    assert {sample["prompt"].split()[0] in FRUIT for sample in run.record["samples"]} == {True, False}
    page = (run.folder / "report.html").read_text()
    assert "Task by task" in page
    assert all(name in page for name in tasks)


def test_alone_its_scores_are_those_of_a_run_on_it_alone(base: Base, rows: Path, fruit: Path, tmp_path: Path):
    """The bare base's scores of a task do not depend on what is mixed in."""
    mixed = tune(base, rows, out=tmp_path / "mixed", mix=[str(fruit)], **QUICKER)
    alone = tune(base, fruit, out=tmp_path / "alone", **QUICKER)
    assert mixed.record["tasks"]["fruit"]["scores"]["base"] == alone.record["scores"]["base"]
    pooled = mixed.record["scores"]["base"]["accuracy"]["value"]
    parts = [mixed.record["tasks"][name] for name in ("rows", "fruit")]
    right = sum(part["scores"]["base"]["accuracy"]["value"] * part["rows"]["test"] for part in parts)
    assert pooled == pytest.approx(right / sum(part["rows"]["test"] for part in parts))


def test_the_table_shows_every_task(base, rows, fruit, tmp_path, capsys):
    run = tune(base, rows, out=tmp_path / "out", mix=str(fruit), **QUICKER)
    show_scores(run.folder)
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("out", "task rows", "task fruit"))


def test_the_look_is_the_mean_over_tasks(base: Base, rows: Path, fruit: Path, tmp_path: Path) -> None:
    run = tune(base, rows, out=tmp_path / "out", mix={"fruit": str(fruit)}, **QUICKER)
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    looks = [line for line in lines if line["kind"] == "held_out"]
    assert looks
    for line in looks:
        assert set(line["extra"]["tasks"]) == {"rows", "fruit"}
        assert line["loss"] == pytest.approx(sum(line["extra"]["tasks"].values()) / 2)


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({"mix_by": "equal"}, (0.5, 0.5)),
        ({"mix_by": "equal", "mix_weights": "fruit=3"}, (0.25, 0.75)),
        ({"mix": {"fruit": {"data": "fruit.csv", "weight": 3}}, "mix_by": "equal"}, (0.25, 0.75)),
        ({"mix_by": "temperature", "mix_temperature": 1}, None),
    ],
)
def test_shares_are_those_of_the_batches(base, rows, fruit, tmp_path, monkeypatch, settings, shares) -> None:
    monkeypatch.chdir(tmp_path)
    made = look(base, rows, tmp_path, **{"mix": "fruit.csv", "epochs": 8, **settings})
    seen = [row.task for _ in range(made.job.steps) for row in made.job.next_batch()]
    sizes = [len(task.splits.train) for task in made.tasks]
    wanted = shares or [size / sum(sizes) for size in sizes]
    assert len(seen) == pytest.approx(8 * sum(sizes), abs=1)
    assert [seen.count(name) / len(seen) for name in ("rows", "fruit")] == pytest.approx(wanted, abs=0.01)


def test_what_one_task_keeps_no_other_learns(base: Base, rows: Path, tmp_path: Path) -> None:
    """The same texts with labels of another kind."""
    lines = rows.read_text().splitlines()
    twin = tmp_path / "twin.csv"
    twin.write_text("\n".join([lines[0], *(line[:-3] + ("abc", "xyz")[i % 2] for i, line in enumerate(lines[:0:-1]))]))
    made = look(base, rows, tmp_path, mix=str(twin))
    trained = {leak_key(row) for task in made.tasks for row in task.splits.train}
    kept = {leak_key(row) for task in made.tasks for row in (*task.splits.val, *task.splits.test)}
    assert not trained & kept
    assert len(trained) + len(kept) == 40


def test_a_head_learns_the_labels_of_all_tasks(base: Base, rows: Path, fruit: Path, tmp_path: Path) -> None:
    run = tune(base, rows, out=tmp_path / "out", method="head", mix=str(fruit), **QUICKER)
    assert run.adapter.classes() == ["dry", "sour", "sweet", "wet"]
    assert set(run.record["tasks"]["fruit"]["scores"]["tuned"]) == {"loss", "accuracy", "macro_f1", "exact_match"}


def test_a_recipe_mixes_and_gives_what_each_job_gives_alone(base: Base, rows: Path, fruit: Path, tmp_path: Path):
    mixed = {"mix": {"fruit": {"data": "fruit.csv", "weight": 2}}, "mix_by": "equal"}
    jobs = {"a": mixed, "b": {"method": "lora", "rank": 2}, "c": {"method": "lora", "mix": ["fruit.csv=b"]}}
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps({"out": "runs", "defaults": {"data": "rows.csv", **QUICKER}, "jobs": jobs}))
    runs = {run.folder.name: run for run in run_recipe(base, Recipe.read(path), path)}
    assert list(runs["c"].record["tasks"]) == ["rows", "b"]
    alone = tune(
        base, rows, out=tmp_path / "alone" / "a", **QUICKER, mix_by="equal", mix=f"{fruit}", mix_weights="fruit=2"
    )
    for one, other in zip(runs["a"].adapter.parameters(), alone.adapter.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_a_stopped_mixture_goes_on_to_the_same_adapter(base: Base, rows: Path, fruit: Path, tmp_path: Path) -> None:
    settings = {**QUICKER, "mix": str(fruit), "mix_by": "equal", "dropout": 0.1, "method": "lora"}
    check_stopping_changes_nothing(3, base, rows, tmp_path, **settings)


BAD: dict[str, tuple[dict[str, object], list[str]]] = {
    "a file that is not there": ({"mix": "no.csv"}, ["no data file", "no.csv", "check the path"]),
    "an empty file": ({"mix": "empty.csv"}, ["empty.csv is empty"]),
    "a file of two rows": ({"mix": "two.csv"}, ["two.csv: too few rows to split", "2 rows", "add rows"]),
    "two tasks of one name": ({"mix": "fruit.csv,a/fruit.csv"}, ["two tasks are called 'fruit'", "FILE=NAME"]),
    "the name of the first task": ({"mix": "fruit.csv=rows"}, ["rows.csv and --mix fruit.csv", "'rows'", "FILE=NAME"]),
    "a weight of zero": ({"mix": {"f": {"data": "fruit.csv", "weight": 0}}}, ["mix.f.weight", "greater than 0"]),
    "a weight below zero": ({"mix": "fruit.csv", "mix_weights": "fruit=-1"}, ["'fruit' is -1", "above 0"]),
    "a weight that is no number": ({"mix": "fruit.csv", "mix_weights": "fruit=x"}, ["mix_weights.fruit", "'x'"]),
    "weights without a sign": ({"mix": "fruit.csv", "mix_weights": "fruit"}, ["mix_weights", "tickets=2"]),
    "a weight of nothing": ({"mix": "fruit.csv", "mix_weights": "friut=2"}, ["'friut'", "did you mean 'fruit'"]),
    "a name that is a path": ({"mix": "fruit.csv=a/b"}, ["'a/b' can have no folder", "FILE=NAME"]),
    "no name": ({"mix": ""}, ["task called ''", "FILE=NAME"]),
    "a file without a name in a mapping": ({"mix": {"f": {"weight": 2}}}, ["mix.f.data", "required"]),
    "a way of mixing that is none": ({"mix": "fruit.csv", "mix_by": "evenly"}, ["'mix_by'", "'equal'"]),
    "a temperature below one": ({"mix": "fruit.csv", "mix_temperature": 0.5}, ["'mix_temperature'", "equal to 1"]),
    "rows of one task's own": ({"mix": "fruit.csv", "val_data": "fruit.csv"}, ["--val-data", "leave them out"]),
    "a head for a task without labels": (
        {"mix": "answers.jsonl", "method": "head"}, ["'answers'", "answers.jsonl", "no labels", "another method"],
    ),
    "the held-out rows of another": ({"mix": "held.csv"}, ["every training row of task 'held'", "leave one"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_one_line_says_what_is_wrong(base, rows, fruit, answers, tmp_path, monkeypatch, case) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "two.csv").write_text("prompt,completion\nrain,north\nsun,shore\n")
    if case == "the held-out rows of another":
        splits = look(base, rows, tmp_path / "other").splits
        lines = [f"{row.prompt},{row.label}" for row in (*splits.val, *splits.test)]
        (tmp_path / "held.csv").write_text("\n".join(["text,label", *lines]))
    settings, words = BAD[case]
    with refused(*words):
        tune(base, "rows.csv", out=tmp_path / "out", **{**QUICK, **settings})
    assert not (tmp_path / "out").exists()
