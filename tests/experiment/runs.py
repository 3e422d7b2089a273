"""Small runs: a data file, runs that are stopped, and what they leave."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from capotasto import tune
from capotasto.session import Base
from capotasto.types import StepRecord

WORDS = ["rain", "sun", "north", "shore", "wind", "snow", "hail", "fog"]
QUICK = {"tokens": 3, "init": "vocab", "epochs": 3, "batch_tokens": 96, "checkpoint_seconds": 0, "lr": 0.02}


def write_rows(path: Path, count: int = 40, seed: int = 0) -> Path:
    """Texts with one of two labels, as CSV."""
    chance = random.Random(seed)
    texts = [" ".join(chance.choice(WORDS) for _ in range(chance.randint(3, 7))) + f" {i}" for i in range(count)]
    rows = [f"{text},{('dry', 'wet')[i % 2]}" for i, text in enumerate(texts)]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


class StopError(Exception):
    """Somebody stops a run."""


def tune_until(step: int, base: Base, data: Path, out: Path, **settings: Any) -> None:
    """A run that is stopped after this step."""

    def stop(record: StepRecord) -> None:
        if record.kind == "step" and record.step == step:
            raise StopError

    with pytest.raises(StopError):
        tune(base, data, out=out, watch=stop, **settings)


def check_stopping_changes_nothing(step: int, base: Base, data: Path, folder: Path, **settings: Any) -> None:
    """Stopped after this step in `folder`/stopped and resumed, it learns what it learns in one go in `folder`/whole."""
    whole = tune(base, data, out=folder / "whole", name="one", **settings)
    tune_until(step, base, data, folder / "stopped", name="one", **settings)
    rest = tune(base, data, out=folder / "stopped", name="one", resume=True, **settings)
    assert steps_logged(folder / "stopped") == steps_logged(folder / "whole")
    for one, other in zip(rest.adapter.parameters(), whole.adapter.parameters(), strict=True):
        assert torch.equal(one, other)


def steps_logged(folder: Path) -> list[tuple[str, int, float]]:
    """What the log says, without the clock."""
    path = folder / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(line["kind"], line["step"], line["loss"]) for line in lines]


def names(folder: Path) -> list[str]:
    """Of all that is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
