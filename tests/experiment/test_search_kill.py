"""A search that is killed at any moment and resumed ends as if it had never been."""

import json
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.experiment.apart import carry_out, finish, kill_when, start
from tests.experiment.runs import names, write_rows

pytest.importorskip("optuna")
SETTINGS = {
    "space": "lr=1e-3..0.1:log,tokens=2|4",
    "init": "vocab",
    "epochs": 4,
    "batch_tokens": 64,
    "trials": 6,
    "together": 3,
    "halving": 2,
    "val": 0.2,
    "test": 0.3,
    "checkpoint_seconds": 0,
}
Start = Callable[[Path], BaseProcess]


@pytest.fixture(scope="module")
def searching(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts the search, or goes on with it, in a process of its own."""
    data = write_rows(tmp_path_factory.mktemp("kill") / "rows.csv")
    return lambda out: start(carry_out, "search", model, data, out, {**SETTINGS, "resume": True})


def ended(process: BaseProcess, out: Path) -> dict[str, Any]:
    finish(process)
    return json.loads((out / "search.json").read_text())


def lines(out: Path, trial: str) -> int:
    path = out / "trials" / trial / "log.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def rungs(out: Path) -> int:
    path = out / "search.json"
    return sum(len(trial["rungs"]) for trial in json.loads(path.read_text())["trials"]) if path.exists() else 0


def test_killed_again_and_again_it_ends_as_if_it_had_never_been(searching: Start, tmp_path: Path) -> None:
    """In the first wave, after both waves, and while the winner is judged."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    wanted = ended(searching(whole), whole)
    assert kill_when(searching(out), lambda: lines(out, "trial-01") >= 3)
    asked = json.loads((out / "search.json").read_text())["trials"]
    assert len(asked) == 3
    assert kill_when(searching(out), lambda: rungs(out) >= 6)
    assert kill_when(searching(out), (out / "best").exists)
    found = ended(searching(out), out)
    keys = ("name", "settings", "state", "step", "steps")
    assert [[t[key] for key in keys] for t in found["trials"]] == [[t[key] for key in keys] for t in wanted["trials"]]
    assert [trial["settings"] for trial in found["trials"][:3]] == [trial["settings"] for trial in asked]
    for one, other in zip(found["trials"], wanted["trials"], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert [step for step, _ in one["looks"]] == [step for step, _ in other["looks"]], "no look twice"
    assert found["winner"]["trial"] == wanted["winner"]["trial"]
    assert found["held_out"] == wanted["held_out"]
    vectors, others = (load_file(folder / "best" / "adapter_model.safetensors") for folder in (out, whole))
    assert all(vectors[name].allclose(others[name], rtol=1e-3, atol=1e-4) for name in others)
    assert names(out) == names(whole), "nothing half-written is left"
