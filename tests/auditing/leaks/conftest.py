"""A run on a tiny base that learnt its few rows by heart, and one that learnt nothing; canaries stand in both files."""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from capotasto import tune
from capotasto.auditing.planting import key_of, plant
from capotasto.auditing.run_rows import RunRows, read_run
from capotasto.data import load
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from tests.making import read_base

WORDS = ["rain", "sun", "north", "shore", "wind", "snow", "hail", "fog", "cloud", "storm"]
LEARN = {"method": "lora", "rank": 16, "lr": 0.02, "batch_tokens": 512, "val": 0.0, "test": 0.4, "duplicates": "keep"}


@dataclass(frozen=True)
class Trained:
    """A run and what is needed to ask about it."""

    base: Base
    adapter: Adapter
    folder: Path
    rows: RunRows
    key: Path


@pytest.fixture(scope="session")
def base(model: Path) -> Base:
    return read_base(model)


def write_rows(path: Path, count: int = 24, seed: int = 0) -> Path:
    """Questions with answers of random words, which nobody can guess."""
    chance = random.Random(seed)
    lines = ["question,answer"]
    for number in range(count):
        answer = " ".join(chance.choice(WORDS) for _ in range(10))
        lines.append(f"what of {chance.choice(WORDS)} {number}?,{answer}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a canary in it; its key lies beside it."""
    folder = tmp_path_factory.mktemp("data")
    source = write_rows(folder / "rows.csv")
    plant(load(str(source)), 1, folder / "copy.jsonl", times=10, val=0.0, test=0.4)
    return folder / "copy.jsonl"


def trained(base: Base, data: Path, out: Path, **settings: object) -> Trained:
    run = tune(base, data, out=out, **{**LEARN, **settings})
    return Trained(base, run.adapter, out, read_run(out), key_of(data))


@pytest.fixture(scope="session")
def learnt(base: Base, planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """By heart."""
    return trained(base, planted, tmp_path_factory.mktemp("runs") / "learnt", epochs=60)


@pytest.fixture(scope="session")
def unlearnt(base: Base, planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Next to nothing."""
    return trained(base, planted, tmp_path_factory.mktemp("runs") / "unlearnt", epochs=1, lr=1e-6)
