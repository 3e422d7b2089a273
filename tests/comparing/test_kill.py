"""A comparison that is killed loses the contender at work and nothing else."""

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from tests.experiment.runs import compare_apart, write_rows

PATIENCE = 60.0  # seconds for a moment to come
SETTINGS = {"methods": "zero-shot,few-shot,prompt,lora", "budget": "20m", "val": 0.2, "test": 0.2, "resume": True}


def done(out: Path) -> dict[str, dict]:
    path = out / "compare.json"
    found = json.loads(path.read_text())["contenders"] if path.exists() else []
    return {one["name"]: one for one in found}


def test_killed_in_the_middle_it_goes_on(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.experiment.runs"])
    data, out = write_rows(tmp_path / "rows.csv"), tmp_path / "out"

    def start() -> multiprocessing.process.BaseProcess:
        process = context.Process(target=compare_apart, args=(str(model), str(data), str(out), SETTINGS))
        process.start()
        return process

    process, end = start(), time.monotonic() + PATIENCE
    while process.is_alive() and "prompt" not in done(out):
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -9, "it was at work on lora"
    kept = done(out)
    assert set(kept) == {"zero-shot", "few-shot", "prompt"}
    process = start()
    process.join(PATIENCE)
    assert process.exitcode == 0
    after = done(out)
    assert {name: after[name] for name in kept} == kept
    assert after["lora"]["status"] == "done"
    assert not [path.name for path in out.rglob(".*") if path.is_file()], "nothing half-written is left"
