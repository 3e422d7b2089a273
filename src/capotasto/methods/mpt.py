"""Multitask prompt tuning: the tasks of a mixture share one prompt, and each multiplies it by a low-rank matrix.

Source: Wang et al. 2023, Multitask Prompt Tuning Enables Parameter-Efficient Transfer Learning,
https://arxiv.org/abs/2303.02861, sections 3.1 and 3.2, without the distillation from prompts that were trained apart.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings
from capotasto.methods.soft import SoftPrompt, vectors_of

FACTORS = "training.safetensors"  # where `artifact` keeps what `beside` gives


class MptAdapter(SoftPrompt):
    """A shared prompt P* and for each of M tasks a matrix W = U V, all ones at the start: the task's prompt is P* ∘ W.

    rank: of W; U is [P, rank] and V [rank, E]
    kept: factors of tasks that were trained before, by the names that `beside` gives them
    """

    method = "mpt"
    tasked = True
    scale: Tensor

    def __init__(self, vectors: Tensor, rank: int = 1, kept: Mapping[str, Tensor] | None = None, **facts: Any):
        super().__init__(vectors, **facts)
        self.rank, self.kept = rank, dict(kept or {})
        self.register_buffer("scale", self.initial.square().mean().sqrt(), persistent=False)
        self.shared = nn.Parameter(self.initial.clone())
        self.take_tasks([])

    @override
    def embeds(self) -> Tensor:
        """[P, E]: the shared prompt, for rows of no task or of one that it does not know."""
        return self.shared

    @override
    def specialists(self) -> dict[str, Adapter]:
        return dict(self._prompts)

    @override
    def take_tasks(self, tasks: Sequence[str]) -> None:
        tokens, width = self.initial.shape
        left = self.initial.new_zeros(len(tasks), tokens, self.rank)
        generator = torch.Generator().manual_seed(int(self.start.get("seed", 0)))
        noise = torch.randn(len(tasks), self.rank, width, generator=generator)
        right = noise.to(self.initial)
        left[:, :, 0], right[:, 0] = 1, 1  # the other columns of U are zero: whatever V holds, the product is one
        self.left, self.right = nn.Parameter(left), nn.Parameter(right)
        self._prompts = {task: _TaskPrompt(self, task, number) for number, task in enumerate(tasks)}
        self.go_on(self.kept)

    def prompt(self, number: int) -> Tensor:
        """[P, E]: the prompt of a task."""
        return self.shared * (self.left[number] @ self.right[number])

    @classmethod
    def _over(cls, vectors: Tensor, settings: MethodSettings, seed: int, **facts: Any) -> Self:
        return cls(vectors, settings.task_rank, _factors(settings.init or ""), **facts)

    @override
    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """A step turns a factor as far for its size (1) as it turns the prompt for its own."""
        return [([self.shared], 1.0), ([self.left, self.right], 1 / float(self.scale))]

    @override
    def beside(self) -> dict[str, Tensor]:
        """The factors of each task."""
        return {
            f"{task}.{name}": factor[number]
            for number, task in enumerate(self._prompts)
            for name, factor in (("left", self.left), ("right", self.right))
        }

    @override
    def go_on(self, kept: Mapping[str, Tensor]) -> None:
        """Take up factors of tasks of the same name; those of another size are left, and the task begins with ones."""
        with torch.no_grad():
            for name, factor in self.beside().items():
                if name in kept and kept[name].shape == factor.shape:
                    factor.copy_(kept[name])

    @override
    def shape(self) -> dict[str, Any]:
        return {"tasks": list(self._prompts), "task_rank": self.rank}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        made = cls(vectors_of(tensors, base, where), config["task_rank"], **facts)
        made.take_tasks(config["tasks"])
        return made


class _TaskPrompt(SoftPrompt):
    """One task's prompt, made anew from the shared one whenever it is asked for; saved it is a plain prompt."""

    method = "prompt"

    def __init__(self, owner: MptAdapter, task: str, number: int):
        start = {"kind": "mpt", "detail": f"the shared prompt of {owner.name}"}
        super().__init__(
            owner.initial, name=task, fingerprint=owner.fingerprint, placement=owner.placement, start=start,
            dialogue=owner.dialogue,
        )  # fmt: skip
        self._made: Callable[[], Tensor] = lambda: owner.prompt(number)  # a module in a module would be its part

    @override
    def embeds(self) -> Tensor:
        return self._made()


def _factors(init: str) -> dict[str, Tensor]:
    """The factors beside the adapter that `--init from:DIR` names, if there are any."""
    path = Path(init.removeprefix("from:")) / FACTORS
    return load_file(path) if init.startswith("from:") and path.exists() else {}
