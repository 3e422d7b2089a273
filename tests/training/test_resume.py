"""Checkpoint files: whole, of this training, or a clear refusal."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from capotasto.errors import TrainingError
from capotasto.session import Base
from capotasto.training.job import Job
from capotasto.training.loop import train
from capotasto.training.resume import FILE, load_checkpoint, save_checkpoint
from capotasto.training.settings import TrainSettings
from capotasto.training.stop import EarlyStopping
from tests.making import make_adapter, make_rows
from tests.refusing import refused


def make_job(base: Base) -> Job:
    settings = TrainSettings(epochs=4, batch_tokens=60)
    return Job("a", make_adapter("prompt", base), make_rows(base, 5), make_rows(base, 2, seed=1), settings, 0.05)


@pytest.fixture
def folder(base: Base, tmp_path: Path) -> Path:
    job = make_job(base)
    stopping = EarlyStopping(job)
    for record in islice(train(base, [job]), 7):
        stopping.see(record)
    save_checkpoint(tmp_path, job, stopping, "this", log_bytes=11)
    return tmp_path


def test_everything_that_decides_the_future_comes_back(base: Base, folder: Path) -> None:
    job, again = make_job(base), make_job(base)
    stopping, restored = EarlyStopping(job), EarlyStopping(again)
    for record in islice(train(base, [job]), 7):
        stopping.see(record)
    assert load_checkpoint(folder, again, restored, "this") == 11
    assert again.state()[1] | {"seconds": 0} == job.state()[1] | {"seconds": 0}
    for key, tensor in job.state()[0].items():
        assert torch.equal(again.state()[0][key], tensor), key
    assert (restored.best_loss, restored.best_step, restored.worse) == (
        stopping.best_loss,
        stopping.best_step,
        stopping.worse,
    )
    assert restored.best.keys() == stopping.best.keys() != set()
    assert all(torch.equal(restored.best[name], stopping.best[name]) for name in stopping.best)


def test_no_checkpoint_is_no_fault(base: Base, tmp_path: Path) -> None:
    job = make_job(base)
    assert load_checkpoint(tmp_path, job, EarlyStopping(job), "this") is None


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def nonsense(path: Path) -> None:
    path.write_bytes(b"\x00" * 300)


def without_note(path: Path) -> None:
    save_file({"adapter.prompt_embeddings": torch.ones(5, 32)}, path)


def empty_note(path: Path) -> None:
    save_file({"adapter.prompt_embeddings": torch.ones(5, 32)}, path, {"capotasto": "{}"})


@pytest.mark.parametrize("spoil", [cut, nonsense, without_note, empty_note])
def test_a_damaged_checkpoint_is_refused_in_one_line(base: Base, folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / FILE)
    job = make_job(base)
    start = job.adapter.prompt_embeddings.detach().clone()
    with refused(str(folder / FILE), "--force", kind=TrainingError):
        load_checkpoint(folder, job, EarlyStopping(job), "this")
    assert torch.equal(job.adapter.prompt_embeddings, start), "nothing was taken from it"


def test_another_training_is_refused(base: Base, folder: Path) -> None:
    job = make_job(base)
    with pytest.raises(TrainingError, match=r"checkpoint.safetensors belongs to a training with another base, data or"):
        load_checkpoint(folder, job, EarlyStopping(job), "other")
    assert job.step == 0


def test_a_failed_write_leaves_the_checkpoint_before(base: Base, folder: Path) -> None:
    before = (folder / FILE).read_bytes()
    job = make_job(base)
    with pytest.raises(TypeError):  # what cannot be written as JSON stands for any fault while the file is made
        save_checkpoint(folder, job, EarlyStopping(job), identity=object(), log_bytes=1)  # type: ignore[arg-type]
    assert (folder / FILE).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [FILE]
