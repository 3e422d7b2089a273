import json
from pathlib import Path
from typing import Any

import pytest

from capotasto.experiment import tune as tuning
from capotasto.training import loop
from tests.cli.conftest import Capo, interrupted

SHORT = ("--epochs", 2, "--tokens", 4)


def test_a_run_as_json(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    done = capo("tune", rows, "--base", base, "--out", tmp_path / "moods", *SHORT, "--batch_tokens", 64, "--json")
    assert done.code == 0
    assert done.json == json.loads((tmp_path / "moods" / "run.json").read_text())
    assert done.json["settings"]["batch_tokens"] == 64
    looks = [line for line in done.stderr.splitlines() if line.startswith("moods: step ")]
    assert len(looks) == 2
    assert "held-out" in looks[-1]


def test_what_a_run_shows(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    folder = tmp_path / "m"
    done = capo("tune", rows, "--base", base, "--out", folder, *SHORT)
    record = json.loads((folder / "run.json").read_text())
    shown = " ".join(done.stdout.split())
    for promise in (
        "Before and after",
        "wanted",
        "Accuracy",
        "difference",
        record["verdict"],
        "Learning rate",
        "by trial",
    ):
        assert promise in shown
    assert "adapter_model.safetensors, report.html, run.json, log.jsonl" in shown
    assert "capo generate --base" in shown


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    base: Path, rows: Path, tmp_path: Path, capo: Capo
) -> None:
    done = capo("tune", rows, "--base", base, "--out", tmp_path / "x", *SHORT, "--dry-run", "--json")
    assert not (tmp_path / "x").exists()
    assert done.json["name"] == "x"
    assert sum(side["rows"] for side in done.json["sides"].values()) == 20
    assert done.json["trainable_parameters"] == 4 * 32
    assert done.json["init"]["chosen"] == "by trial"
    text = capo("tune", rows, "--base", base, "--out", tmp_path / "x", *SHORT, "--dry-run").stdout
    assert f"{done.json['steps']} at most, in 2 epochs" in text
    assert "nothing written" in text


def test_a_dry_run_announces_the_steps_that_are_then_done(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    common = ("tune", rows, "--base", base, "--out", tmp_path / "x", *SHORT, "--patience", 9, "--json")
    planned = capo(*common, "--dry-run").json
    done = capo(*common).json
    assert planned["steps"] == done["steps"]
    assert planned["learning_rate"] == done["learning_rate"]
    assert planned["init"] == done["init"]


def test_settings_from_a_file_and_flags_over_them(base: Path, rows: Path, tmp_path: Path, capo: Capo) -> None:
    config = tmp_path / "moods.yaml"
    lines = [f"data: {rows}", f"base: {base}", f"out: {tmp_path / 'x'}", "epochs: 5", "batch-tokens: 99"]
    config.write_text("\n".join([*lines, "map: {text: text, label: label}"]))
    settings = capo("tune", "--config", config, "--epochs", 2, "--dry-run", "--json").json["settings"]
    assert (settings["epochs"], settings["batch_tokens"], settings["map"]) == (
        2,
        99,
        {"text": "text", "label": "label"},
    )


def test_a_finished_run_is_shown_again_by_resume(tuned: Path, base: Path, rows: Path, capo: Capo) -> None:
    done = capo("tune", rows, "--base", base, "--out", tuned, *SHORT, "--resume", "--json")
    assert done.json == json.loads((tuned / "run.json").read_text())
    assert "step" not in done.stderr


def test_an_interrupted_training_says_how_to_go_on(
    base: Path, rows: Path, tmp_path: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "tune", interrupted)
    done = capo("tune", rows, "--base", base, "--out", tmp_path / "x", "--json")
    assert done.code == 130
    assert "--resume" in done.stderr
    assert "--resume" in done.json["error"]


def test_a_training_that_had_to_stop(
    base: Path, rows: Path, tmp_path: Path, capo: Capo, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = loop.row_losses

    def broken(*arguments: Any) -> tuple[Any, Any]:
        losses, counts = honest(*arguments)
        return losses * float("nan"), counts

    monkeypatch.setattr(loop, "row_losses", broken)
    done = capo("tune", rows, "--base", base, "--out", tmp_path / "x", *SHORT)
    assert done.code == 3
    assert done.stdout == ""
    assert "x: loss nan" in done.stderr
    assert "--lr" in done.stderr.splitlines()[-1]
