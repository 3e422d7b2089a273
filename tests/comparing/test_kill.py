"""A comparison that is killed loses the contender at work and nothing else."""

import json
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.experiment.apart import carry_out, finish, kill_when, start
from tests.experiment.runs import write_rows

SETTINGS = {"methods": "zero-shot,few-shot,prompt,lora", "budget": "20m", "val": 0.2, "test": 0.2, "resume": True}


def done(out: Path) -> dict[str, dict]:
    path = out / "compare.json"
    found = json.loads(path.read_text())["contenders"] if path.exists() else []
    return {one["name"]: one for one in found}


def test_killed_in_the_middle_it_goes_on(model: Path, tmp_path: Path) -> None:
    data, out = write_rows(tmp_path / "rows.csv"), tmp_path / "out"

    def comparing() -> BaseProcess:
        return start(carry_out, "compare", model, data, out, SETTINGS)

    assert kill_when(comparing(), lambda: "prompt" in done(out)), "it was at work on lora"
    kept = done(out)
    assert set(kept) == {"zero-shot", "few-shot", "prompt"}
    finish(comparing())
    after = done(out)
    assert {name: after[name] for name in kept} == kept
    assert after["lora"]["status"] == "done"
    assert not [path.name for path in out.rglob(".*") if path.is_file()], "nothing half-written is left"
