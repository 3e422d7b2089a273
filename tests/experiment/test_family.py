"""Every method from a file to a judged adapter on disk, and recipes of several."""

import json
from pathlib import Path

import pytest
import torch

from capotasto import load_adapter, tune
from capotasto.errors import SettingError
from capotasto.experiment.recipe import Recipe, run_recipe
from capotasto.methods import METHODS
from capotasto.session import Base
from tests.experiment.runs import QUICK, check_stopping_changes_nothing, write_rows
from tests.making import SETTINGS
from tests.refusing import refused

EVERY = [*METHODS, "prompt+lora", "lora+head"]


@pytest.mark.parametrize("method", EVERY)
def test_every_method_makes_a_judged_adapter(base: Base, rows: Path, tmp_path: Path, method: str) -> None:
    named = SETTINGS.get(method, {"method": method})
    if method == "mpt":  # takes several tasks
        named["mix"] = str(write_rows(tmp_path / "more.csv", seed=1))
    run = tune(base, rows, out=tmp_path / "out", **{**QUICK, **named})
    assert run.record["method"] == method
    assert run.record["trainable_parameters"] == run.adapter.size() > 0
    assert set(run.scores["tuned"]) == {"loss", "accuracy", "macro_f1", "exact_match"}
    assert (run.folder / "report.html").exists()
    again = load_adapter(run.folder, base, "again")
    assert base.generate(["the rain"], [again], max_new_tokens=4) == base.generate(
        ["the rain"], [run.adapter], max_new_tokens=4
    )
    before = base.loss(["the rain in the north"])
    assert before == base.loss(["the rain in the north"], [None]), "nothing stays on the base"


@pytest.mark.parametrize("method", ["lora", "prefix", "full", "lora+head"])
def test_a_stopped_run_goes_on_to_the_same_adapter(base: Base, rows: Path, tmp_path: Path, method: str) -> None:
    check_stopping_changes_nothing(3, base, rows, tmp_path, **{**QUICK, "method": method, "dropout": 0.1})


def recipe(folder: Path, **jobs: dict) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(json.dumps({"out": "runs", "defaults": {"data": "rows.csv", **QUICK}, "jobs": jobs}))
    return path


def test_a_recipe_gives_what_each_job_gives_alone(base: Base, rows: Path, tmp_path: Path) -> None:
    jobs = {"a": {"method": "prompt"}, "b": {"method": "lora", "rank": 2}, "c": {"method": "full"}}
    path = recipe(tmp_path, **jobs)
    runs = run_recipe(base, Recipe.read(path), path)
    assert [run.folder for run in runs] == [tmp_path / "runs" / name for name in jobs]
    for run, (name, settings) in zip(runs, jobs.items(), strict=True):
        alone = tune(base, rows, out=tmp_path / "alone" / name, **{**QUICK, **settings})
        for one, other in zip(run.adapter.parameters(), alone.adapter.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_finished_jobs_are_not_done_again(base: Base, rows: Path, tmp_path: Path) -> None:
    path = recipe(tmp_path, a={}, b={"method": "lora"})
    run_recipe(base, Recipe.read(path), path)
    seen = []
    again = run_recipe(base, Recipe.read(path), path, seen.append)
    assert len(again) == 2
    assert seen == []
    path = recipe(tmp_path, a={}, b={"method": "lora"}, c={"tokens": 2})
    run_recipe(base, Recipe.read(path), path, seen.append)
    assert {record.job for record in seen} == {"c"}


def test_paths_in_a_recipe_are_as_seen_from_it(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("defaults: {rank: 3}\njobs: {a: {data: x.csv, init: 'from:old', stack_on: under, val_data: y.csv}}")
    _, (data, settings) = Recipe.read(path).work("a", path)
    found = [data, settings.val_data, settings.stack_on, settings.init]
    assert found == [str(tmp_path / "x.csv"), str(tmp_path / "y.csv"), str(tmp_path / "under"), f"from:{tmp_path}/old"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jobs: {}", ["no jobs", "data: FILE"]),
        ("out: runs", ["jobs"]),
        ("jobs: {a: {data: x.csv}, a: {data: y.csv}}", ["'a'", "twice", "line 1"]),
        ("jobs: {a: {tokens: 3}}", ["job 'a'", "no data"]),
        ("jobs: {a: {data: x.csv, tokns: 3}}", ["job 'a'", "'tokns'", "'tokens'"]),
        ("jobs: {a: {data: x.csv, method: lorra}}", ["lorra", "'lora'"]),
        ("jobs: {a: {data: x.csv, rank: 3}}", ["'rank' in job 'a'", "lora", "method prompt", "leave it out"]),
        ("bas: x\njobs: {}", ["'bas'", "'base'"]),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with refused(*words, kind=SettingError):
        Recipe.read(path)
