"""An adapter: the few numbers that make a frozen base a specialist, and the six places where they touch it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from torch import Tensor, nn
from transformers import PreTrainedModel

from capotasto.base.frozen import FrozenBase
from capotasto.methods.settings import MethodSettings
from capotasto.methods.settled import Settled

# What is added to the output of a linear layer: input [.., in] and output [.., out] → [.., out].
Delta = Callable[[Tensor, Tensor], Tensor]
# Layer → keys and values [2, K, P, D], and how far each head's gate is open [Hq].
Gated = Mapping[int, tuple[Tensor, Tensor]]


class Adapter(nn.Module, ABC):
    """What every method fills in. `forward.run` asks for the six hooks and never for the method's name: `embeds`, `kv`,
    `gated`, `deltas`, `head` and `body`. A hook that is not filled in leaves that place of the base alone.

    name:        the name it is called by
    fingerprint: of the base it was made for
    placement:   where its virtual tokens stand in a row (see `tokens.render.PLACEMENTS`)
    start:       what it was initialised from, in words and numbers, for the artefact
    dialogue:    True if it was trained on questions and answers, False on plain text, None if not known
    """

    method: str
    grows = False  # True: it may start as a soft prompt and is made from one by `promote`
    linear = True  # what it adds to a layer's output is linear in the layer's input, and can be merged
    tasked = False  # True: each task of a mixture has something of its own, so that it takes several
    begins = ""  # the kinds of `--init` it can start from, for help texts; empty: it starts from no text

    def __init__(
        self,
        *,
        name: str,
        fingerprint: str,
        placement: str = "front",
        start: dict[str, Any] | None = None,
        dialogue: bool | None = None,
    ):
        super().__init__()
        self.training = False  # dropout acts only where the training loop says so
        self.name = name
        self.fingerprint = fingerprint
        self.placement = placement
        self.start = start or {}
        self.dialogue = dialogue

    # What it does to the base.

    def embeds(self) -> Tensor | None:
        """[P, E] vectors placed among the input embeddings; E is the width of the base's input embedding."""
        return None

    def kv(self) -> Tensor | None:
        """[L, 2, K, P, D] keys and values before each layer's own, as they stand in a cache (rotated already)."""
        return None

    def learns_from(self) -> int:
        """The lowest layer in which `kv` learns; below it, its keys and values stay as they are."""
        return 0

    def gated(self) -> list[Gated]:
        """Keys and values beside a layer's own, not rotated. They take no place in a row."""
        return []

    def deltas(self) -> Mapping[str, Delta]:
        """Name of a linear layer of `base.model` → what is added to its output."""
        return {}

    def settled(self) -> Mapping[str, Sequence[Settled]] | None:
        """What `deltas` do, worked out for numbers that stay as they are, one change after another.

        None: not known, and `deltas` are asked in every step. Who overrides the one must override the other.
        """
        return None if self.deltas() else {}

    def head(self) -> nn.Module | None:
        """States [.., H] → [.., C]: logits of classes, numbers, or logits of marks, instead of the vocabulary."""
        return None

    def reseed(self, seed: int) -> None:
        """Draw what is random in training, such as dropout, from this seed on."""

    def classes(self) -> list[str] | None:
        """The C names of what its head answers: classes, columns of numbers, or labels."""
        return None

    def body(self) -> PreTrainedModel | None:
        """A model of its own in place of the base's; its rows share no batch with others."""
        return None

    def take_tasks(self, tasks: Sequence[str]) -> None:
        """Told before training, by name, which tasks a mixture has."""

    def specialists(self) -> dict[str, "Adapter"]:
        """Task → what its rows carry, where that is not the adapter itself; each is saved in a folder of its own."""
        return {}

    def of_task(self, task: str) -> "Adapter":
        """What a row of this task carries."""
        return self.specialists().get(task, self)

    # How it is made and kept.

    @classmethod
    @abstractmethod
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        """An untrained one. Errors: settings that this base cannot carry out."""

    @abstractmethod
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        """The learning rate when none is given, and the rule behind it in words."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What is saved, under the names that PEFT uses where PEFT has the method."""

    def config(self, base: FrozenBase) -> dict[str, Any] | None:
        """PEFT's `adapter_config.json` for it; None where PEFT has no such method, or would read something else."""
        return None

    @classmethod
    @abstractmethod
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        """From `tensors` and `config`, found at `where`. Errors: they do not fit together or to the base."""

    def beside(self) -> dict[str, Tensor]:
        """What training needs to go on later and `tensors` does not hold; kept in a file of its own."""
        return {}

    def go_on(self, kept: dict[str, Tensor]) -> None:
        """Take up what `beside` gave."""

    def shape(self) -> dict[str, Any]:
        """What the manifest keeps because neither the tensors nor PEFT's config say it; `read` finds it in `config`."""
        return {}

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """What is learned, in groups with a share of the learning rate each."""
        return [([parameter for parameter in self.parameters() if parameter.requires_grad], 1.0)]

    @property
    def tokens(self) -> int:
        """How many virtual tokens stand before a row's own."""
        embeds, kv = self.embeds(), self.kv()
        return (0 if embeds is None else len(embeds)) + (0 if kv is None else kv.shape[3])

    def size(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)
