import json
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from capotasto.cli.search_progress import SearchProgress
from capotasto.experiment.search import run as running
from capotasto.experiment.search.ledger import Trial
from capotasto.experiment.search.race import Standing
from capotasto.types import StepRecord
from tests.cli.conftest import Capo, interrupted

pytest.importorskip("optuna")
SHORT = ("--epochs", 2, "--tokens", 4, "--trials", 3, "--halving", 2, "--val", 0.2, "--test", 0.3)


def test_a_search_shows_the_best_trials_and_the_winner(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    out = tmp_path / "found"
    done = capo("search", rows, "--base", base, "--out", out, *SHORT, "--budget", "5m")
    assert done.code == 0, done.stderr
    record = json.loads((out / "search.json").read_text())
    assert list(record["space"]) == ["lr"], "tokens are set, so they are not searched"
    shown = " ".join(done.stdout.split())
    winner = record["winner"]
    for promise in (
        "The best of 3 trials",
        "looks of 3 trials",
        f"Winner {winner['trial']}: lr {winner['settings']['lr']:.3g}",
        "all rungs done",
        "Accuracy",
        "report.html",
    ):
        assert promise in shown, promise
    assert "rung 1/2 · 3 trials alive, 3 learning · 5:00 left" in done.stderr
    assert "judging the best" in done.stderr
    again = capo("search", rows, "--base", base, "--out", out, *SHORT, "--resume", "--json")
    assert again.json["winner"] == winner


def test_a_space_from_a_file_and_flags_over_it(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    config = tmp_path / "search.yaml"
    lines = [f"data: {rows}", f"base: {base}", f"out: {tmp_path / 'x'}", "method: lora", "trials: 9", "epochs: 1"]
    space = "space: {lr: {low: 1e-4, high: 1e-2, log: true}, targets: ['q_proj,v_proj', q_proj]}"
    config.write_text("\n".join([*lines, "batch-tokens: 400", space]))
    record = capo("search", "--config", config, "--trials", 2, "--json").json
    assert record["space"]["targets"] == {"values": ["q_proj,v_proj", "q_proj"]}
    assert record["space"]["lr"] == {"low": 1e-4, "high": 1e-2, "log": True, "whole": False}
    assert len(record["trials"]) == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], ["no data"]),
        (["ROWS"], ["--out"]),
        (["ROWS", "--out", "x", "--budget", "soon"], ["'budget'", "10m"]),
        (["ROWS", "--out", "x", "--space", "rnak=4|8"], ["'rnak'", "'rank'"]),
        (["ROWS", "--out", "x", "--on", "spark"], ["'on'", "ray://HOST:PORT"]),
    ],
)
def test_what_cannot_be_is_one_line(base: Path, rows: Path, capo: Capo, given: list[str], words: list[str]) -> None:
    done = capo("search", *[rows if part == "ROWS" else part for part in given], "--base", base)
    assert done.code == 2
    line = done.stderr.strip().splitlines()[-1]
    assert [word for word in words if word not in line] == [], line


def test_without_optuna_nothing_is_loaded(rows: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = capo("search", rows, "--base", "/nowhere", "--out", "x")
    assert done.code == 2
    assert 'pip install "capotasto[search]"' in done.stderr


def test_an_interrupted_search_says_how_to_go_on(
    base: Path, rows: Path, tmp_path: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "search", interrupted)
    done = capo("search", rows, "--base", base, "--out", tmp_path / "x")
    assert done.code == 130
    assert "--resume" in done.stderr


def test_progress_on_a_terminal_says_where_the_race_stands() -> None:
    screen = StringIO()
    best = Trial("trial-04", {"lr": 0.1}, loss=1.5)
    standing = Standing(2, 3, 0.5, ["trial-04", "trial-01"], 5, best, seconds=30, budget=120)
    with SearchProgress(Console(file=screen, force_terminal=True, width=100)) as progress:
        progress.see(standing, None)
        progress.see(standing, StepRecord("held_out", "trial-01", 5, 20, 1.0, 1.25))
        assert (progress.bars.tasks[0].completed, progress.bars.tasks[0].total) == (5, 10)
    shown = screen.getvalue()
    assert "rung 2/3 · 5 trials alive, 2 learning · best 1.250 (trial-01)" in shown
    assert "1:30 left" in shown
