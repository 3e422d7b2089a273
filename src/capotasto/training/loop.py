"""The training loop: a generator of step records, for one job or many over one base."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.questions import task_losses
from capotasto.methods.initial import usual_length
from capotasto.methods.soft import LONGEST
from capotasto.objectives import row_losses
from capotasto.tokens.batches import cut
from capotasto.training.job import Job
from capotasto.trunk import Trunk
from capotasto.types import Encoded, StepRecord

MICRO_TOKENS = 512  # tokens in memory at a time; the gradients of an optimiser step are summed over its parts
PROMPT_SHARE = 8  # a part has so many times the tokens of its longest prompt, which is computed again in each part


def train(
    base: FrozenBase, jobs: Sequence[Job], micro_tokens: int | None = None, trunk: Trunk | None = None
) -> Iterator[StepRecord]:
    """Train `jobs` together; yields after each optimiser step of each job, and after each look at held-out rows.

    The jobs' batches of a step share one mixed batch through the base, and each gives the adapter it would give alone.
    micro_tokens: real tokens in memory at a time; left out: by the length of the prompts
    trunk:        states of lower layers that no job changes, filled by `training.fill`
    To end a job early, call its `stop`. A job is stopped as failed when its loss or gradient is no number, and when its
    virtual tokens grow so long that `artifact` would refuse them; the record of that step is not given.
    """
    limit = LONGEST * usual_length(base)
    while live := [job for job in jobs if not job.stopped]:
        batches = [(job, job.next_batch()) for job in live]
        start = time.perf_counter()
        with _training([job for job, _ in batches]):
            losses = _gradients(base, batches, micro_tokens, trunk)
        elapsed = time.perf_counter() - start
        all_tokens = sum(len(row.ids) for _, batch in batches for row in batch)
        for (job, batch), loss in zip(batches, losses, strict=True):
            share = sum(len(row.ids) for row in batch)
            norm = job.gradient_norm()
            if not (math.isfinite(loss) and math.isfinite(norm)):
                job.stop(f"loss {loss:.3g} and gradient {norm:.3g} at step {job.step + 1}", failed=True)
                continue
            rate = job.update()
            if not (longest := job.longest()) <= limit:
                job.stop(f"a virtual token of length {longest:.3g} at step {job.step}", failed=True)
                continue
            job.spend(elapsed * share / all_tokens, share)
            yield _record("step", job, loss, share, sum(row.learnt for row in batch), rate, norm)
        for job in live:
            if job.look_due and not job.failed:
                yield _look(job, task_losses(base, job.held_out, job.adapter, trunk))


def _room(batches: Sequence[tuple[Job, list[Encoded]]]) -> int:
    """Real tokens of a part."""
    return max(MICRO_TOKENS, PROMPT_SHARE * max(job.adapter.tokens for job, _ in batches))


def _gradients(
    base: FrozenBase, batches: Sequence[tuple[Job, list[Encoded]]], micro_tokens: int | None, trunk: Trunk | None
) -> list[float]:
    """Add each job's gradient of its mean loss over the step's supervised tokens, by weight; returns those means."""
    flat = [(which, row) for which, (_, batch) in enumerate(batches) for row in batch]
    lessons = [job.lesson(batch) for job, batch in batches]
    weights = [one for (job, batch), how in zip(batches, lessons, strict=True) for one in job.weights(batch, how)]
    sums = [0.0] * len(batches)
    budget = micro_tokens or _room(batches)
    for part in _parts([batches[which][0] for which, _ in flat], [row for _, row in flat], budget):
        rows = [flat[i] for i in part]
        adapters = [batches[which][0].adapter for which, _ in rows]
        losses, _ = row_losses(base, [row for _, row in rows], adapters, [lessons[which] for which, _ in rows], trunk)
        weighted = losses * losses.new_tensor([weights[i] for i in part])
        weighted.sum().backward()
        for (which, _), loss in zip(rows, weighted.tolist(), strict=True):
            sums[which] += loss
    _synchronise(base.device)
    return sums


def _parts(jobs: Sequence[Job], rows: Sequence[Encoded], micro_tokens: int) -> Iterator[list[int]]:
    """Row numbers in parts that fit into memory and may share a batch."""
    lengths = [len(row.ids) for row in rows]
    for together in forward.apart([job.adapter for job in jobs]):
        yield from cut(together, lengths, micro_tokens)


@contextmanager
def _training(jobs: Sequence[Job]) -> Iterator[None]:
    """Dropout acts inside the block, drawn from the seed and the step, so that a resumed run draws the same."""
    for job in jobs:
        job.adapter.train()
        job.adapter.reseed(job.draw())
    try:
        yield
    finally:
        for job in jobs:
            job.adapter.eval()


def _synchronise(device: torch.device) -> None:
    """Clocks are read after the device has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _look(job: Job, losses: Mapping[str, float]) -> StepRecord:
    """The mean over the tasks, and what each task's own loss is."""
    record = _record("held_out", job, sum(losses.values()) / len(losses))
    return replace(record, extra={"tasks": dict(losses)}) if len(losses) > 1 else record


def _record(
    kind: str, job: Job, loss: float, tokens: int = 0, learnt: int = 0, rate: float = 0.0, norm: float = 0.0
) -> StepRecord:
    return StepRecord(
        kind=kind,  # type: ignore[arg-type]
        job=job.name,
        step=job.step,
        steps=job.steps,
        epoch=round(job.progress, 4),
        loss=loss,
        tokens=tokens,
        learnt=learnt,
        seconds=round(job.seconds, 3),
        learning_rate=rate,
        gradient_norm=norm,
    )
