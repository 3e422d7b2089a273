"""PEFT used as well as we can: one adapter over a frozen base, trained by a lean loop.

Axes: P virtual tokens, H hidden.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import PreTrainedModel

from benchmarks.common import Clock
from benchmarks.peers.methods import configured
from benchmarks.texts import Batch, real_tokens, shuffled, supervised

WARM_UP = 0.05  # share of the training in which the learning rate rises


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train; the first of `epochs` and `seconds` to be reached ends it."""

    learning_rate: float
    epochs: int | None
    seconds: float | None
    schedule: str
    seed: int


@dataclass
class Progress:
    """What has been done so far: optimiser steps, real tokens, supervised ones among them, seconds of training."""

    steps: int = 0
    tokens: int = 0
    learnt: int = 0
    seconds: float = 0.0


def with_adapter(
    model: PreTrainedModel, base: Path, tokens: int, text: str, init: Path | None, method: str = "prompt"
) -> PeftModel:
    """The model with an adapter; a prompt [P, H] starts from a text, or from the tensor `prompt` of a file."""
    peft_model = get_peft_model(model, configured(method, base, tokens, text))
    if init:
        set_prompt(peft_model, "default", load_file(init)["prompt"])
    return peft_model


def set_prompt(model: PeftModel, adapter: str, prompt: torch.Tensor) -> None:
    """Replace the prompt [P, H] of an adapter."""
    with torch.no_grad():
        model.get_parameter(f"prompt_encoder.{adapter}.embedding.weight").copy_(prompt)


def train(
    model: PeftModel, batches: list[Batch], recipe: Recipe, clock: Clock, look: Callable[[Progress], None]
) -> Progress:
    """Train the adapter on length-sorted batches; `look` is called after every step, on the clock."""
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learned, lr=recipe.learning_rate)
    done = Progress()
    endless = itertools.chain.from_iterable(shuffled(batches, recipe.seed + epoch) for epoch in itertools.count())
    while (share := _share(done, recipe, len(batches))) < 1:
        batch = next(endless)
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * factor(recipe.schedule, share)
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        done.steps += 1
        done.tokens += real_tokens(batch)
        done.learnt += supervised(batch)
        done.seconds = clock.seconds
        look(done)
    return done


def _share(done: Progress, recipe: Recipe, batches: int) -> float:
    """How much of the training lies behind, from 0 to 1, by steps or by the clock: whichever is further."""
    by_steps = done.steps / (recipe.epochs * batches) if recipe.epochs else 0.0
    by_clock = done.seconds / recipe.seconds if recipe.seconds else 0.0
    return max(by_steps, by_clock)


def factor(schedule: str, share: float) -> float:
    """What the learning rate is multiplied by: 1, or a short rise and then half a cosine down to 0."""
    if schedule == "constant":
        return 1.0
    if share < WARM_UP:
        return 0.1 + 0.9 * share / WARM_UP  # not from 0: a first step of length 0 would be wasted
    return 0.5 + 0.5 * math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))
