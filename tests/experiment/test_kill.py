"""A run that is killed at any moment and resumed ends as if it had never been: the same bytes, every step once."""

import random
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.experiment.apart import carry_out, finish, kill_when, start
from tests.experiment.runs import QUICK, names, steps_logged, write_rows

KILLS = 12  # at random moments, in one run


class Runner:
    """Starts the same run in a process of its own, again and again."""

    def __init__(self, model: Path, data: Path):
        self.model, self.data = model, data

    def start(self, out: Path, resume: bool = True) -> BaseProcess:
        settings = {**QUICK, "epochs": 6, "patience": 99, "resume": resume}
        return start(carry_out, "tune", self.model, self.data, out, settings)

    def finish(self, out: Path, resume: bool = True) -> None:
        finish(self.start(out, resume))

    def kill_when(self, out: Path, moment: Callable[[], bool]) -> bool:
        return kill_when(self.start(out), moment)


@pytest.fixture(scope="module")
def runner(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(model, write_rows(tmp_path_factory.mktemp("kill") / "rows.csv"))


@pytest.fixture(scope="module")
def whole(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "out"
    runner.finish(out, resume=False)
    return out


def check_equal(out: Path, whole: Path) -> None:
    name = "adapter_model.safetensors"
    assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert steps_logged(out) == steps_logged(whole)
    assert names(out) == names(whole), "nothing half-written is left"


@pytest.mark.parametrize("lines", [1, 9, 25])
def test_killed_after_some_steps(runner: Runner, whole: Path, tmp_path: Path, lines: int) -> None:
    out = tmp_path / "out"
    assert runner.kill_when(out, lambda: len(steps_logged_so_far(out)) >= lines)
    assert not (out / "run.json").exists()
    runner.finish(out)
    check_equal(out, whole)


@pytest.mark.parametrize("name", ["start.json", "adapter_model.safetensors", "run.json"])
def test_killed_as_soon_as_a_file_is_there(runner: Runner, whole: Path, tmp_path: Path, name: str) -> None:
    """Before the first step, between training and judging, and between the scores and the report."""
    out = tmp_path / "out"
    killed = runner.kill_when(out, (out / name).exists)
    assert killed or name == "run.json"  # the report after it takes a few milliseconds only
    runner.finish(out)
    check_equal(out, whole)


def test_killed_again_and_again_at_any_moment(runner: Runner, whole: Path, tmp_path: Path) -> None:
    """Every other kill falls right while a checkpoint is being written."""
    out = tmp_path / "out"
    chance = random.Random(0)
    killed = 0
    for number in range(KILLS):
        pause = time.monotonic() + chance.uniform(0.05, 0.4)
        killed += runner.kill_when(out, partial(being_written, out) if number % 2 else partial(passed, pause))
    assert killed >= KILLS / 3  # on a fast machine the run is at its end before the last ones
    runner.finish(out)
    check_equal(out, whole)


def being_written(out: Path) -> bool:
    return any(name.startswith(".checkpoint") for name in names(out))


def passed(moment: float) -> bool:
    return time.monotonic() > moment


def steps_logged_so_far(out: Path) -> list[str]:
    path = out / "log.jsonl"
    return path.read_text().splitlines() if path.exists() else []
