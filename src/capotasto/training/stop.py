"""Early stopping: a reader of the stream of records that keeps the best vectors and says when to stop."""

from typing import Any

import torch
from torch import Tensor

from capotasto.training.job import Job
from capotasto.types import StepRecord


class EarlyStopping:
    """Keeps the adapter of a job's best look at its held-out rows; stops the job when looks no longer improve."""

    def __init__(self, job: Job):
        self.job = job
        self.best_loss = float("inf")
        self.best_step = 0
        self.worse = 0
        self.best: dict[str, Tensor] = {}

    def see(self, record: StepRecord) -> None:
        """Take note of one record of the stream."""
        if record.job != self.job.name or record.kind != "held_out":
            return
        if record.loss < self.best_loss:
            self.best_loss, self.best_step, self.worse = record.loss, record.step, 0
            self.best = {name: p.detach().clone() for name, p in self.job.adapter.named_parameters()}
            return
        self.worse += 1
        if self.worse >= self.job.settings.patience:
            self.job.stop(f"no better held-out loss in {self.worse} looks")

    def restore(self) -> None:
        """Put the best vectors back into the adapter, if there was a look at held-out rows."""
        with torch.no_grad():
            for name, parameter in self.job.adapter.named_parameters():
                if name in self.best:
                    parameter.copy_(self.best[name])

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and numbers for a checkpoint."""
        numbers = {"best_loss": self.best_loss, "best_step": self.best_step, "worse": self.worse}
        return {f"best.{name}": value for name, value in self.best.items()}, numbers if self.best else {}

    def load(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go back to a `state`."""
        self.best = {key.removeprefix("best."): value for key, value in tensors.items() if key.startswith("best.")}
        for key, value in numbers.items():
            setattr(self, key, value)
