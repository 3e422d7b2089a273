"""Methods that run a model of their own, made from the base's modules: what is not trained shares the base's memory."""

import copy
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter


class OwnModel(Adapter):
    """An adapter whose rows run through its own model; they share no batch with others."""

    def __init__(self, model: PreTrainedModel, learned: Iterable[nn.Parameter], **facts: Any):
        super().__init__(**facts)
        self._model = [model]  # in a list, so that its modules and names are not this module's own
        self.learned = nn.ParameterList(learned)

    @override
    def body(self) -> PreTrainedModel:
        return self._model[0]

    @override
    def tensors(self) -> dict[str, Tensor]:
        """Nothing by itself: `write` saves the model's own files."""
        return {}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        raise TypeError(f"{cls.__name__} is read from its folder")

    @abstractmethod
    def write(self, folder: Path, base: FrozenBase) -> None:
        """Save the model's files into `folder`."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, base: FrozenBase, **facts: Any) -> Self:
        """The opposite of `write`."""


def sibling(base: FrozenBase) -> PreTrainedModel:
    """A model with modules of its own and the base's tensors; of its own in fp32 where the base is narrower, because
    small steps are lost in 16 bits."""
    if base.dtype not in (torch.float32, torch.float64):
        return copy.deepcopy(base.model).float()
    shared = {id(tensor): tensor for tensor in (*base.model.parameters(), *base.model.buffers())}
    return copy.deepcopy(base.model, shared)
