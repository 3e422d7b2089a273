"""Adapters, rows and logits for tests, made the same way everywhere."""

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from capotasto import forward
from capotasto.methods import METHODS
from capotasto.methods.adapter import Adapter
from capotasto.methods.initial import initial
from capotasto.session import Base
from capotasto.types import Encoded, Example, Turn
from tests.tiny import tiny_base

WORDS = ["rain", "sun", "north", "shore", "question", "answer", "positive", "negative", "one", "another"]


def make_base(architecture: str = "llama", dtype: torch.dtype = torch.float64, **more: Any) -> Base:
    return Base.over(tiny_base(architecture, dtype, **more))


def make_adapter(method: str, base: Base, size: int = 5, seed: int = 0, name: str = "a") -> Any:
    """An adapter of any method of the table, with random numbers of the vocabulary's size."""
    vectors, _ = initial(base, "random", size, (), seed)
    return METHODS[method](vectors, name=name, fingerprint=base.fingerprint)  # type: ignore[operator]


def make_examples(count: int, seed: int = 0) -> list[Example]:
    """Questions and answers, ragged on both sides."""
    chance = random.Random(seed)

    def words(least: int, most: int) -> str:
        return " ".join(chance.choice(WORDS) for _ in range(chance.randint(least, most)))

    return [
        Example((Turn("user", words(1, 8)), Turn("assistant", words(1, 5), learn=True)), place=f"rows:{number}")
        for number in range(1, count + 1)
    ]


def make_rows(base: Base, count: int, seed: int = 0) -> list[Encoded]:
    return [base.encode(example) for example in make_examples(count, seed)]


@torch.no_grad()
def logits_of(base: Base, rows: Sequence[Encoded], adapters: Sequence[Adapter | None]) -> list[Tensor]:
    """For each row its [P + T, V] logits, all from one mixed batch."""
    hidden = forward.run(base, rows, adapters)
    every = forward.logits(base, hidden.states)
    return [every[torch.as_tensor(path)] for path in hidden.layout.paths]
