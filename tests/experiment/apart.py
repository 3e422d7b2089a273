"""Small runs in processes of their own, which can be killed, or find a full disk."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

import capotasto
from capotasto.errors import UserError
from capotasto.types import StepRecord
from tests.making import read_base

PATIENCE = 60.0  # seconds for a process to end, and for a moment to come


def start(work: Callable[..., None], *given: Any) -> BaseProcess:
    """`work` in a process that begins at once, for what it needs is imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=work, args=given)
    process.start()
    return process


def carry_out(command: str, model: Path, data: Path, out: Path, settings: dict[str, Any]) -> None:
    """A whole `tune`, `search` or `compare`."""
    torch.set_num_threads(1)
    getattr(capotasto, command)(read_base(model), data, out=out, **settings)


def tune_until_full(
    model: Path, data: Path, out: Path, settings: dict[str, Any], step: int, room: int, told: Connection
) -> None:
    """A run, but after `step` no file may be longer than `room` bytes: the system refuses the rest."""

    def fill(record: StepRecord) -> None:
        if record.step == step:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    try:
        carry_out("tune", model, data, out, {**settings, "watch": fill})
    except UserError as error:
        told.send(str(error))
        sys.exit(error.exit_code)


def finish(process: BaseProcess, exit_code: int = 0) -> None:
    process.join(PATIENCE)
    assert process.exitcode == exit_code


def kill_when(process: BaseProcess, moment: Callable[[], bool]) -> bool:
    """True if the moment came while the process was at work."""
    end = time.monotonic() + PATIENCE
    while process.is_alive() and not moment():
        assert time.monotonic() < end
    process.kill()
    process.join()
    return process.exitcode == -9
