"""An adapter: the few numbers that make a frozen base a specialist."""

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Adapter(nn.Module, ABC):
    """What every method fills in. `forward.run` asks for the hooks and never for the method's name.

    name:        the name it is called by
    fingerprint: of the base it was made for
    placement:   where its virtual tokens stand in a row (see `tokens.render.PLACEMENTS`)
    start:       what it was initialised from, in words and numbers, for the artefact
    dialogue:    True if it was trained on questions and answers, False on plain text, None if not known
    """

    method: str

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
        self.name = name
        self.fingerprint = fingerprint
        self.placement = placement
        self.start = start or {}
        self.dialogue = dialogue

    @abstractmethod
    def embeds(self) -> Tensor:
        """[P, E] vectors placed among the input embeddings; E is the width of the base's input embedding."""

    def size(self) -> int:
        """How many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)
