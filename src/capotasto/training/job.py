"""A job: one adapter, its rows, its settings, and how far it has come."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from capotasto.methods.adapter import Adapter
from capotasto.objectives.lesson import Lesson
from capotasto.training.optim import learning_rate_at
from capotasto.training.order import Order
from capotasto.training.settings import TrainSettings
from capotasto.types import Encoded


class Job:
    """One adapter on its way. Everything that decides its future is in `state`, so that a stop costs nothing.

    rows, held_out: training rows and validation rows as token ids
    lr:             peak learning rate of Adam
    order:          which rows each step has; left out: each epoch has each row once
    """

    def __init__(
        self,
        name: str,
        adapter: Adapter,
        rows: Sequence[Encoded],
        held_out: Sequence[Encoded] = (),
        settings: TrainSettings | None = None,
        lr: float | None = None,
        order: Order | None = None,
    ):
        self.name, self.adapter, self.rows, self.held_out = name, adapter, list(rows), list(held_out)
        self.settings = settings or TrainSettings()
        peak = lr or self.settings.lr
        if peak is None:
            raise ValueError("a job needs a learning rate: pass lr, or settings with lr")
        self.lr = peak
        self.order = order or Order([len(row.ids) for row in self.rows], self.settings)
        self.optimiser = torch.optim.Adam(_groups(adapter, peak), lr=peak, betas=(0.9, 0.98))
        self.epoch, self.index, self.step = 0, 0, 0
        self.seconds, self.tokens = 0.0, 0
        self.stopped = ""
        self.failed = False
        self.steps = self.order.steps
        self.look_every = max(1, self.order.epoch_steps // self.settings.looks)

    def next_batch(self) -> list[Encoded]:
        """The rows of the next optimiser step."""
        batches = self.order.batches(self.epoch)
        batch = [self.rows[row] for row in batches[self.index]]
        self.index += 1
        if self.index == len(batches):
            self.epoch, self.index = self.epoch + 1, 0
        return batch

    def draw(self) -> int:
        """What is random in the next step is drawn from this seed, so that a resumed run draws the same."""
        return (self.settings.seed * 1_000_003 + self.step) % 2**63

    def lesson(self, batch: Sequence[Encoded]) -> Lesson:
        """How these rows of the next step are learnt."""
        chosen, longest = self.settings, max(len(row.ids) for row in batch)
        return Lesson(chosen.prompt_weight, chosen.label_smoothing, chosen.noise / math.sqrt(longest), self.draw())

    def weights(self, batch: Sequence[Encoded], lesson: Lesson) -> list[float]:
        """What a nat of each row counts in the step's loss: by itself, the mean over the supervised tokens."""
        totals = [lesson.total(row) for row in batch]
        if self.order.replay is not None:
            return self.order.replay.weights(batch, totals)
        return [row.weight / sum(totals) for row in batch]

    def gradient_norm(self) -> float:
        """Length of the gradients there are, all parameters together."""
        gradients = [p.grad for p in self.adapter.parameters() if p.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients))

    def longest(self) -> float:
        """Length of the longest virtual token; 0 where there is none."""
        every = (self.adapter, *self.adapter.specialists().values())
        found = [vectors.detach().float() for adapter in every if (vectors := adapter.embeds()) is not None]
        return max((float(vectors.norm(dim=1).max()) for vectors in found), default=0.0)

    def update(self) -> float:
        """One optimiser step on the gradients there are; returns its learning rate."""
        rate = learning_rate_at(self._reached(), self.steps, self.lr)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        if self.step == self.steps:
            self.stop("all epochs done")
        return rate

    def spend(self, seconds: float, tokens: int) -> None:
        """Count what a step took; the clock may end the training."""
        self.seconds += seconds
        self.tokens += tokens
        if self.out_of_time:
            self.stop("out of time")

    @property
    def out_of_time(self) -> bool:
        """True when `max_seconds` are over."""
        return self.settings.max_seconds is not None and self.seconds >= self.settings.max_seconds

    def _reached(self) -> int:
        """Where the schedule of the learning rate is: at its step, or further where the clock is."""
        limit = self.settings.max_seconds
        return self.step if limit is None else max(self.step, int(self.steps * self.seconds / limit))

    @property
    def progress(self) -> float:
        """Epochs done, by their share of all steps."""
        return self.settings.epochs * self.step / self.steps

    @property
    def look_due(self) -> bool:
        """True after a step that is followed by a look at the held-out rows."""
        last = self.step == self.steps or self.out_of_time
        return bool(self.held_out) and (last or self.step % self.look_every == 0)

    def stop(self, reason: str, failed: bool = False) -> None:
        """Take no further step. The first reason given stands, unless it failed."""
        self.stopped = reason if failed else self.stopped or reason
        self.failed = self.failed or failed

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and numbers from which `restore` goes on exactly here."""
        tensors = {f"adapter.{name}": p.detach() for name, p in self.adapter.named_parameters()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{key}": value for key, value in slots.items()}
        keys = ("epoch", "index", "step", "seconds", "tokens", "stopped", "failed", "lr")
        return tensors, {key: getattr(self, key) for key in keys}

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
        """Go back to a `state`."""
        with torch.no_grad():
            for name, parameter in self.adapter.named_parameters():
                parameter.copy_(tensors[f"adapter.{name}"])
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith("optimiser."):
                _, index, slot = key.split(".", 2)
                slots.setdefault(int(index), {})[slot] = value.clone()
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": slots})
        for key, value in numbers.items():
            setattr(self, key, value)


def _groups(adapter: Adapter, lr: float) -> list[dict[str, Any]]:
    return [{"params": parameters, "lr": lr * share, "share": share} for parameters, share in adapter.groups()]
