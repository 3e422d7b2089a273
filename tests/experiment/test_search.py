"""A search from data to a judged winner: halved, stopped in time, and each trial what it would be alone."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from capotasto import SearchResult, load_adapter, search, tune
from capotasto.errors import SettingError, TrainingError
from capotasto.experiment.search import advance as advancing
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from tests.experiment.runs import write_rows
from tests.making import read_base
from tests.refusing import refused

pytest.importorskip("optuna")
COMMON = {"init": "vocab", "epochs": 4, "batch_tokens": 128, "checkpoint_seconds": 0, "val": 0.2, "test": 0.3}
SEARCH = {**COMMON, "space": "lr=1e-3..0.1:log,tokens=2|4", "trials": 6, "together": 4, "halving": 2}


@pytest.fixture(scope="module")
def found(model: Path, tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A whole search."""
    folder = tmp_path_factory.mktemp("search")
    return search(read_base(model), write_rows(folder / "rows.csv"), out=folder / "out", **SEARCH)


def test_a_search_ends_with_a_judged_winner(found: SearchResult, base: Base) -> None:
    record = json.loads((found.folder / "search.json").read_text())
    assert record == json.loads(json.dumps(found.record))
    assert [rung["trials"] for rung in record["rungs"]] == [6, 3, 1]
    assert [len(trial.rungs) for trial in found.trials].count(3) == 1
    assert sum(len(trial.rungs) >= 2 for trial in found.trials) == 3
    assert [trial.state for trial in found.trials].count("left behind") == 5
    winner = next(trial for trial in found.trials if trial.name == record["winner"]["trial"])
    assert winner.state == "finished"
    assert winner.loss == min(trial.loss for trial in found.trials)
    for height in (0, 1):
        went_on = [t.rungs[height]["loss"] for t in found.trials if len(t.rungs) > height + 1]
        stayed = [t.rungs[height]["loss"] for t in found.trials if len(t.rungs) == height + 1]
        assert max(went_on) <= min(stayed)
    run = json.loads((found.folder / "best" / "run.json").read_text())
    assert run["scores"] == record["scores"]
    assert (run["name"], run["settings"]["lr"]) == ("out", winner.settings["lr"])
    assert (found.folder / "best" / "report.html").exists()
    assert load_adapter(found.folder / "best", base, "again").size() == found.run.adapter.size()
    assert not list((found.folder / "trials").rglob("*.safetensors")), "checkpoints are cleared away"


def test_what_was_looked_at_is_counted(found: SearchResult) -> None:
    held_out = found.record["held_out"]
    assert held_out["rows"] == found.record["rows"]["val"] == 8
    assert held_out["looks"] == sum(len(trial.looks) for trial in found.trials) == 6 * 1 + 3 * 1 + 1 * 2
    assert held_out["tokens"] == held_out["looks"] * found.trials[0].held_out_tokens
    assert "lowest of 11 looks of 6 trials at the same 8 rows" in held_out["optimism"]


@pytest.mark.parametrize("method", ["prompt", "lora", "full"])
def test_the_winner_is_what_tune_makes_of_its_settings(base: Base, rows: Path, tmp_path: Path, method: str) -> None:
    """Through all rungs, each in other company; `full` has a model of its own and learns alone."""
    space = "lr=1e-4..1e-3:log" if method == "full" else "lr=1e-3..0.03:log"
    given = {**COMMON, "method": method, "rank": 4, "dropout": 0.1 if method == "lora" else 0.0}
    found = search(base, rows, out=tmp_path / "out", **given, space=space, trials=4, halving=2, together=3)
    own = found.record["winner"]["settings"]
    alone = tune(base, rows, out=tmp_path / "alone", **given, **own)
    for one, other in zip(found.run.adapter.parameters(), alone.adapter.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    assert found.run.record["steps"] == alone.record["steps"]
    assert found.run.record["best_step"] == alone.record["best_step"]
    assert found.record["winner"]["validation_loss"] == pytest.approx(
        min(
            line["loss"] for line in map(json.loads, (alone.folder / "log.jsonl").open()) if line["kind"] == "held_out"
        ),
        rel=1e-3,
    )


def test_rows_are_encoded_once_for_all_trials(
    base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, calls = Renderer.encode, []
    monkeypatch.setattr(Renderer, "encode", lambda self, example: calls.append(example) or honest(self, example))
    found = search(base, rows, out=tmp_path / "out", **{**SEARCH, "space": "lr=1e-3..0.1:log", "tokens": 3})
    sides = found.record["rows"]
    judged_at_most = 4 * sides["test"]
    again_for_the_winner = sides["train"] + sides["val"]
    assert len(calls) <= sides["train"] + sides["val"] + again_for_the_winner + judged_at_most
    assert len(found.trials) == 6


def test_trials_that_cannot_learn_fail_and_the_search_goes_on(base: Base, rows: Path, tmp_path: Path) -> None:
    space = {"lr": [0.01, 1e30], "rank": [2, 1000]}
    found = search(base, rows, out=tmp_path / "out", **COMMON, method="lora", space=space, trials=8, halving=2)
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert {True, False} == {trial.settings["rank"] == 1000 for trial in failed}, "both kinds were tried"
    for trial in failed:
        assert ("rank 1000" if trial.settings["rank"] == 1000 else "step") in trial.ended
    assert found.record["winner"]["settings"] == {"lr": 0.01, "rank": 2}
    with pytest.raises(TrainingError, match=r"all 2 trials failed \(the first: .*step.*--space"):
        search(base, rows, out=tmp_path / "none", **COMMON, space={"lr": [1e30]}, tokens=2, trials=2)


class Clock:
    """A clock that only the steps of training move: one second each."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (advancing, sys.modules["capotasto.experiment.search.race"]):
        monkeypatch.setattr(module.time, "monotonic", clock)
    honest = advancing.learn

    def ticking(base: Base, jobs: list, gigabytes: float) -> Any:
        for record in honest(base, jobs, gigabytes):
            clock.now += record.kind == "step"
            yield record

    monkeypatch.setattr(advancing, "learn", ticking)
    return clock


def test_the_search_stops_in_its_budget_and_goes_on_with_a_larger_one(
    base: Base, rows: Path, tmp_path: Path, clock: Clock
) -> None:
    whole = search(base, rows, out=tmp_path / "whole", **SEARCH)
    spent = clock.now
    out = tmp_path / "out"
    with pytest.raises(TrainingError, match=r"before a trial had its first look .*--resume.*--budget"):
        search(base, rows, out=out, **SEARCH, budget="5s")
    early = search(base, rows, out=out, **SEARCH, budget=f"{spent * 0.6:.0f}s", resume=True)
    assert early.record["stopped"] == "out of time"
    assert early.record["seconds"] <= spent * 0.6 + SEARCH["together"]
    assert "out of time" in {trial.state for trial in early.trials}
    assert early.run.record["stopped"] == "all epochs done", "the winner is brought to its end"
    again = search(base, rows, out=out, **SEARCH, budget=f"{spent * 0.6:.0f}s", resume=True)
    assert again.record["winner"] == early.record["winner"]
    late = search(base, rows, out=out, **SEARCH, resume=True)
    assert late.record["stopped"] == "all rungs done"
    assert late.record["winner"]["trial"] == whole.record["winner"]["trial"]
    for one, other in zip(late.run.adapter.parameters(), whole.run.adapter.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_the_watcher_is_told_where_the_race_stands(base: Base, rows: Path, tmp_path: Path) -> None:
    seen: list[Any] = []
    search(base, rows, out=tmp_path / "out", **SEARCH, watch=lambda standing, record: seen.append((standing, record)))
    begun = [standing for standing, record in seen if record is None]
    assert [(one.rung, len(one.learning), one.alive) for one in begun] == [
        (1, 4, 6),
        (1, 2, 6),
        (2, 3, 3),
        (3, 1, 1),
        (3, 0, 1),
    ]
    assert begun[0].best is None
    assert begun[-1].best.loss == min(one.best.loss for one in begun[1:])
    assert {record.job for standing, record in seen if record} == {f"trial-0{i}" for i in range(6)}
    assert math.isinf(begun[0].budget)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"trails": 3}, ["'trails'", "'trials'"]),
        ({"space": "rnak=2|4"}, ["'rnak'", "'rank'"]),
        ({"space": "method=lora|lorra"}, ["lorra", "'lora'"]),
        ({"space": "lr=0.1..1", "lr": 0.5}, ["'lr'", "space too"]),
        ({"report_to": "tensorboard"}, ["--report-to", "leave it out"]),
        ({"val": 0.0}, ["validation rows", "--val"]),
        ({"method": "lorra"}, ["lorra"]),
    ],
)
def test_bad_settings_are_refused_before_any_trial(
    base: Base, rows: Path, tmp_path: Path, given: dict, words: list[str]
) -> None:
    with refused(*words):
        search(base, rows, out=tmp_path / "out", **{**COMMON, **given})
    assert not (tmp_path / "out").exists()


def test_another_search_is_not_gone_on_with(base: Base, rows: Path, tmp_path: Path) -> None:
    small = {**SEARCH, "trials": 2, "epochs": 1}
    search(base, rows, out=tmp_path / "out", **small)
    with pytest.raises(SettingError, match=r"not empty.*--resume.*--force"):
        search(base, rows, out=tmp_path / "out", **small)
    with pytest.raises(SettingError, match=r"search\.json belongs to a search with another.*--force"):
        search(base, rows, out=tmp_path / "out", **{**small, "trials": 3}, resume=True)
    (tmp_path / "out" / "note.txt").write_text("mine")
    found = search(base, rows, out=tmp_path / "out", **{**small, "trials": 3}, force=True)
    assert len(found.trials) == 3
    assert (tmp_path / "out" / "note.txt").exists()


def test_without_optuna_there_is_one_clear_line(
    base: Base, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SettingError, match=r'pip install "capotasto\[search\]"'):
        search(base, rows, out=tmp_path / "out", **SEARCH)
