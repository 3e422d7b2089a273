"""A disk that takes no more: one clear line, an exit code, and everything that was there before still loads."""

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from capotasto import tune
from capotasto.errors import UserError
from capotasto.records import atomic_file, disk_error, write_bytes
from capotasto.session import Base
from capotasto.training.resume import FILE as CHECKPOINT
from tests.experiment.apart import finish, start, tune_until_full
from tests.experiment.runs import QUICK, names, steps_logged

# The log has about 300 bytes a step and the checkpoint about 3,000: which of them hits the limit first.
MOMENTS = {"the checkpoint does not fit": (3, 1500, CHECKPOINT), "the log does not fit": (14, 4500, "log.jsonl")}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_full_disk_costs_the_step_and_nothing_else(
    base: Base, model: Path, rows: Path, tmp_path: Path, moment: str
) -> None:
    step, room, refused = MOMENTS[moment]
    out = tmp_path / "out"
    told, tell = multiprocessing.Pipe(duplex=False)
    finish(start(tune_until_full, model, rows, out, QUICK, step, room, tell), exit_code=2)
    assert told.poll()
    message = told.recv()
    assert str(out / refused) in message
    assert "the disk is full" in message
    assert "free space" in message
    assert "\n" not in message
    assert (out / CHECKPOINT).exists(), "the checkpoint before"
    assert names(out) == ["checkpoint.safetensors", "log.jsonl", "start.json"]

    resumed = tune(base, rows, out=out, resume=True, **QUICK)
    whole = tune(base, rows, out=tmp_path / "whole", **QUICK)
    assert [line[:2] for line in steps_logged(out)] == [line[:2] for line in steps_logged(tmp_path / "whole")]
    assert resumed.record["steps"] == whole.record["steps"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_has_one_name(number: int) -> None:
    message = str(disk_error(Path("out/log.jsonl"), OSError(number, os.strerror(number))))
    assert message.startswith("the disk is full while writing out/log.jsonl; ")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*file/deep/x: Not a directory; .* check the folder"):
        write_bytes(tmp_path / "file" / "deep" / "x", b"1")


def break_off(path: Path) -> None:
    with atomic_file(path) as stream:
        stream.write(b"new")
        raise KeyboardInterrupt


def test_what_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        break_off(path)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["x"]
