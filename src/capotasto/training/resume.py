"""Checkpoints: one atomic file from which a training goes on exactly where it was."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from capotasto.errors import TrainingError
from capotasto.records import write_bytes
from capotasto.training.job import Job
from capotasto.training.stop import EarlyStopping

FILE = "checkpoint.safetensors"


def save_checkpoint(folder: Path, job: Job, stopping: EarlyStopping, identity: str, log_bytes: int) -> None:
    """Write the whole state of a job.

    identity:  hash of base, data and settings; a checkpoint of another training is refused
    log_bytes: length of the log at this moment; what is written later is taken back on resume
    """
    tensors, numbers = job.state()
    best, looks = stopping.state()
    note = {"job": numbers, "stopping": looks, "identity": identity, "log_bytes": log_bytes}
    content = save(
        {key: value.contiguous().cpu() for key, value in {**tensors, **best}.items()}, {"capotasto": json.dumps(note)}
    )
    write_bytes(folder / FILE, content)


def load_checkpoint(folder: Path, job: Job, stopping: EarlyStopping, identity: str) -> int | None:
    """Bring a job back to its checkpoint; returns the log's length then, or None if there is no checkpoint."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            note = json.loads(file.metadata()["capotasto"])
            theirs, log_bytes = note["identity"], int(note["log_bytes"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"{path} is damaged ({error}); start again with --force") from None
    if theirs != identity:
        raise TrainingError(
            f"{path} belongs to a training with another base, data or settings;"
            " repeat the settings it was started with, or start again with --force"
        )
    job.restore(tensors, note["job"])
    stopping.load(tensors, note["stopping"])
    return log_bytes
