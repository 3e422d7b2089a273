"""`capo serve` in a process of its own, and adapters for it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

import capotasto as capo
from benchmarks.ours.common import adapter as untrained
from benchmarks.serving import VIRTUAL_TOKENS, task_prompts
from capotasto.artifact import save_adapter
from capotasto.methods.adapter import Adapter
from capotasto.methods.prompt import PromptAdapter

KINDS = ("prompt", "prompt", "prefix", "lora", "lora", "bottleneck", "bottleneck", None)  # of a mixed batch


@dataclass
class Running:
    """A server: its address, what it calls the bare base, and its process."""

    url: str
    base: str
    process: subprocess.Popen[str]

    def mib(self) -> float:
        """Memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


@contextmanager
def running(base: Path, *more: str) -> Iterator[Running]:
    """A server on a free port, until the end of the block."""
    command = [sys.executable, "-m", "capotasto", "serve", "--base", str(base), "--port", "0", "--json", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        text = ""
        while not text.rstrip().endswith("}"):
            text += process.stdout.readline()  # type: ignore[union-attr]
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {' '.join(command)}")
        told = json.loads(text)
        try:
            yield Running(told["address"], told["model"], process)
        finally:
            process.terminate()


def prompts(base: capo.Base, seed: int) -> list[Adapter]:
    """A soft prompt for each task."""
    vectors = task_prompts(base.embedding.weight, base.tokenizer, seed)
    return [
        PromptAdapter(one, name=f"p{i}", fingerprint=base.fingerprint).to(base.device) for i, one in enumerate(vectors)
    ]


def mixed(base: capo.Base, seed: int) -> list[Adapter | None]:
    """An adapter of each kind of `KINDS`, moved away from where it would do nothing."""
    made: list[Adapter | None] = []
    for i, kind in enumerate(KINDS):
        one = kind and untrained(
            base, kind, VIRTUAL_TOKENS, f"The task has number {i}.", seed + i, targets="all-linear"
        )
        if one is not None:
            one.name = f"{kind}-{i}"
            with torch.no_grad():
                for parameter in one.parameters():
                    parameter += 0.01 * torch.randn_like(parameter)
        made.append(one)
    return made


def save(base: capo.Base, adapters: list[Adapter | None], folder: Path) -> None:
    """Each under its name in `folder`, as `--adapters-dir` wants it."""
    for one in adapters:
        if one is not None:
            save_adapter(one, folder / one.name, base, {})
