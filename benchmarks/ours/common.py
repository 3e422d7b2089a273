"""What the measured processes of this side share."""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

import capotasto as capo
from capotasto.experiment.start import untrained
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings
from capotasto.types import Encoded, StepRecord

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")


def load(options: argparse.Namespace) -> capo.Base:
    """The base through our own loader, in the chosen format."""
    torch.manual_seed(options.seed)
    return capo.load_base(str(options.base), dtype=options.dtype, device=options.device)


def plain(ids: list[int]) -> Encoded:
    """A row of text, every token supervised but the first, as on the other side."""
    return Encoded(tuple(ids), (False, *[True] * (len(ids) - 1)))


def example(question: str, answer: str, label: str | None = None) -> capo.Example:
    """A question, and the answer that is learnt; its label, where it is one."""
    turns = capo.Turn("user", question), capo.Turn("assistant", answer, learn=True)
    return capo.Example(turns, label=label)


def adapter(
    base: capo.Base,
    method: str,
    tokens: int,
    text: str,
    seed: int,
    init: Path | None = None,
    labels: Sequence[str] = (),
    **more: Any,
) -> Adapter:
    """An untrained adapter; virtual tokens start from a text, or a prompt from the tensor `prompt` of a file.

    LoRA changes what it changes on the other side; other sizes are the package's.
    """
    given = {"method": method, "tokens": tokens, "init": f"text:{text}", "targets": ",".join(ATTENTION), **more}
    settings = MethodSettings.build(given, "the benchmark")
    made = untrained(base, settings, labels, seed, name=method, fingerprint=base.fingerprint)
    if init:
        with torch.no_grad():
            next(made.parameters()).copy_(load_file(init)["prompt"])
    return made


def train(
    base: capo.Base,
    adapter: Adapter,
    rows: list[Encoded],
    options: argparse.Namespace,
    watch: Callable[[StepRecord], None] = lambda record: None,
) -> capo.Job:
    """Train for --epochs, or for as many as fit into --seconds; what is not set takes the package's defaults."""
    rate = options.lr or adapter.rate(base)[0]

    def job(epochs: int) -> capo.Job:
        settings = capo.TrainSettings(epochs=epochs, batch_tokens=options.batch_tokens, seed=options.seed, lr=rate)
        return capo.Job("ours", adapter, rows, settings=settings)

    pace = _pace(base, job(1)) if options.seconds else 0.0
    tokens = sum(len(row.ids) for row in rows)
    going = job(options.epochs or max(1, math.floor(options.seconds * pace / tokens)))
    for record in capo.train(base, [going]):
        watch(record)
        if options.seconds and record.seconds >= options.seconds:
            going.stop("the budget is used up")
    return going


def _pace(base: capo.Base, trial: capo.Job) -> float:
    """Real tokens a second over three steps, which are undone."""
    state = {name: value.clone() for name, value in trial.adapter.state_dict().items()}
    for record in capo.train(base, [trial]):
        if record.step == 3:
            trial.stop("enough to know the pace")
    trial.adapter.load_state_dict(state)
    return trial.tokens / trial.seconds
