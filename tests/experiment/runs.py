"""Small runs: a data file, and `tune` as a process of its own that can be killed."""

import json
import random
import resource
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from capotasto import compare, search, tune
from capotasto.errors import UserError
from capotasto.types import StepRecord
from tests.making import read_base

WORDS = ["rain", "sun", "north", "shore", "wind", "snow", "hail", "fog"]
QUICK = {"tokens": 3, "init": "vocab", "epochs": 3, "batch_tokens": 96, "checkpoint_seconds": 0, "lr": 0.02}


def write_rows(path: Path, count: int = 40, seed: int = 0) -> Path:
    """Texts with one of two labels, as CSV."""
    chance = random.Random(seed)
    texts = [" ".join(chance.choice(WORDS) for _ in range(chance.randint(3, 7))) + f" {i}" for i in range(count)]
    rows = [f"{text},{('dry', 'wet')[i % 2]}" for i, text in enumerate(texts)]
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


def tune_apart(model: str, data: str, out: str, settings: dict[str, Any]) -> None:
    """A whole run, for a process of its own."""
    torch.set_num_threads(1)
    tune(read_base(Path(model)), data, out=out, **settings)


def search_apart(model: str, data: str, out: str, settings: dict[str, Any]) -> None:
    """A whole search, for a process of its own."""
    torch.set_num_threads(1)
    search(read_base(Path(model)), data, out=out, **settings)


def compare_apart(model: str, data: str, out: str, settings: dict[str, Any]) -> None:
    """A whole comparison, for a process of its own."""
    torch.set_num_threads(1)
    compare(read_base(Path(model)), data, out=out, **settings)


def tune_until_full(
    model: str, data: str, out: str, settings: dict[str, Any], step: int, room: int, told: Connection
) -> None:
    """The same, but after `step` no file may be longer than `room` bytes: the system refuses the rest."""

    def fill(record: StepRecord) -> None:
        if record.step == step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    torch.set_num_threads(1)
    base = read_base(Path(model))
    try:
        tune(base, data, out=out, watch=fill, **settings)
    except UserError as error:
        told.send(str(error))
        sys.exit(error.exit_code)


def steps_logged(folder: Path) -> list[tuple[str, int, float]]:
    """What the log says, without the clock."""
    path = folder / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [(line["kind"], line["step"], line["loss"]) for line in lines]


def names(folder: Path) -> list[str]:
    """Of all that is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
