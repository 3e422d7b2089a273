"""Adapters, rows, jobs and logits for tests, made the same way everywhere."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from capotasto import forward
from capotasto.experiment.start import untrained
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings
from capotasto.session import Base, load_base
from capotasto.training.job import Job
from capotasto.types import Encoded, Example, Turn
from tests.tiny import tiny_base

WORDS = ["rain", "sun", "north", "shore", "question", "answer", "positive", "negative", "one", "another"]


def make_base(architecture: str = "llama", dtype: torch.dtype = torch.float64, **more: Any) -> Base:
    return Base.over(tiny_base(architecture, dtype, **more))


def read_base(folder: Path) -> Base:
    return load_base(str(folder), dtype="fp32", device="cpu")


TASKS = ["first", "second"]
LABELS = ["negative", "neutral", "positive"]
SETTINGS = {"peft": {"method": "peft:ia3"}}  # how a method of the table is asked for, where its name is not enough


def make_fresh(method: str, base: Base, size: int = 5, seed: int = 0, name: str = "a", **more: Any) -> Any:
    """An untrained adapter of any method of the table."""
    given = {"method": method, "tokens": size, "rank": size, "init": "random", **SETTINGS.get(method, {}), **more}
    adapter = untrained(base, MethodSettings(**given), LABELS, seed, name=name, fingerprint=base.fingerprint)
    adapter.take_tasks(TASKS)
    return adapter


def make_adapter(method: str, base: Base, size: int = 5, seed: int = 0, name: str = "a", **more: Any) -> Any:
    """The same after some learning: no number is where it started."""
    adapter = make_fresh(method, base, size, seed, name, **more)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return adapter


def make_examples(count: int, seed: int = 0) -> list[Example]:
    """Questions and answers, ragged on both sides."""
    chance = random.Random(seed)

    def words(least: int, most: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(chance.randint(least, most)))

    return [
        Example((Turn("user", words(1, 8)), Turn("assistant", words(1, 5), learn=True)), place=f"rows:{number}")
        for number in range(1, count + 1)
    ]


def make_rows(base: Base, count: int, seed: int = 0, adapter: Adapter | None = None) -> list[Encoded]:
    """Rows as the adapter learns them: to be written, of several tasks, or to be classified by its head."""
    examples = make_examples(count, seed)
    if base.is_encoder:
        rows = [base.renderer().prompt(example.turns[:-1]) for example in examples]
    else:
        rows = [base.encode(example) for example in examples]
    if adapter is not None and adapter.tasked:
        return [replace(row, task=TASKS[i % len(TASKS)]) for i, row in enumerate(rows)]
    if adapter is None or adapter.classes() is None:
        return rows
    return [Encoded(row.ids, (False,) * len(row.ids), label=i % len(LABELS)) for i, row in enumerate(rows)]


class Watched(Job):
    """A job that remembers the gradients of its last step."""

    def update(self) -> float:
        self.gradients = [parameter.grad.clone() for parameter in self.adapter.parameters()]
        return super().update()


@torch.no_grad()
def logits_of(base: Base, rows: Sequence[Encoded], adapters: Sequence[Adapter | None]) -> list[Tensor]:
    """For each row its [P + T, V] logits, ghosts apart, from as few mixed batches as there may be."""
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    for together in forward.apart(adapters):
        mine = [adapters[i] for i in together]
        hidden = forward.run(base, [rows[i] for i in together], mine)
        every = forward.logits(base, hidden.states, mine)
        for place, i in enumerate(together):
            found[i] = every[torch.as_tensor(hidden.layout.paths[place][hidden.ghosts[place] :])]
    return found
