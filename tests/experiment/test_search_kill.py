"""A search that is killed at any moment and resumed ends as if it had never been."""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from tests.experiment.runs import names, search_apart, write_rows

pytest.importorskip("optuna")
PATIENCE = 60.0  # seconds for a moment to come
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
def start(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts the search, or goes on with it, in a process of its own."""
    folder = tmp_path_factory.mktemp("kill")
    data = write_rows(folder / "rows.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.experiment.runs"])

        def begin(out: Path) -> BaseProcess:
            arguments = (str(model), str(data), str(out), {**SETTINGS, "resume": True})
            process = context.Process(target=search_apart, args=arguments)
            process.start()
            return process

        yield begin


def finish(start: Start, out: Path) -> dict[str, Any]:
    process = start(out)
    process.join(PATIENCE)
    assert process.exitcode == 0
    return json.loads((out / "search.json").read_text())


def kill_when(start: Start, out: Path, moment: Callable[[], bool]) -> None:
    process = start(out)
    end = time.monotonic() + PATIENCE
    while process.is_alive() and not moment():
        assert time.monotonic() < end
    process.kill()
    process.join()
    assert process.exitcode == -9, "the moment came while the search was going"


def lines(out: Path, trial: str) -> int:
    path = out / "trials" / trial / "log.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def rungs(out: Path) -> int:
    path = out / "search.json"
    return sum(len(trial["rungs"]) for trial in json.loads(path.read_text())["trials"]) if path.exists() else 0


def test_killed_again_and_again_it_ends_as_if_it_had_never_been(start: Start, tmp_path: Path) -> None:
    """In the first wave, after both waves, and while the winner is judged."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    wanted = finish(start, whole)
    kill_when(start, out, lambda: lines(out, "trial-01") >= 3)
    asked = json.loads((out / "search.json").read_text())["trials"]
    assert len(asked) == 3
    kill_when(start, out, lambda: rungs(out) >= 6)
    kill_when(start, out, (out / "best").exists)
    found = finish(start, out)
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
