"""A classifier on frozen features: the base is repurposed, its states are read and its vocabulary is not used.

Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.3 (pooled features); the linear head has the
name and the form of transformers' sequence classifiers.
"""

from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, SettingError
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings

_PREFIX = "base_model.model.score."


class _Head(nn.Sequential):
    """Normed features, a hidden layer if there is one, logits. States of different bases have different scales."""

    def __init__(self, size: int, classes: int, pooling: str, hidden: int):
        last = nn.Linear(hidden or size, classes)
        layers = [nn.Linear(size, hidden), nn.ReLU(), last] if hidden else [last]
        super().__init__(nn.LayerNorm(size, elementwise_affine=False), *layers)
        self.pooling = pooling


class HeadAdapter(Adapter):
    """States [.., H] → [.., C] logits.

    labels:  C class names, in the order of the logits
    pooling: `last` reads the state of a row's last token, `cls` that of its first, `mean` the mean of its states
    hidden:  width of a hidden layer; 0 is a linear classifier
    """

    method = "head"

    def __init__(
        self, labels: list[str], size: int, pooling: str = "last", hidden: int = 0, seed: int = 0, **facts: Any
    ):
        super().__init__(**facts)
        self.labels, self.pooling, self.hidden = labels, pooling, hidden
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.score = _Head(size, len(labels), pooling, hidden)

    @override
    def classes(self) -> list[str]:
        return self.labels

    @override
    def head(self) -> nn.Module:
        return self.score

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        if not labels:
            raise SettingError("method head chooses among labels, and this data has none; map them: --map label=COLUMN")
        made = cls(labels, _width(base), _pooling(base, settings.pooling), settings.hidden, seed, **facts)
        return made.to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return 1e-2, "1e-2, for a classifier on normed features"

    @override
    def tensors(self) -> dict[str, Tensor]:
        return {f"{_PREFIX}{name}": value.detach() for name, value in self.score.state_dict().items()}

    @override
    def config(self, base: FrozenBase) -> None:
        """PEFT has no such method by itself."""

    @override
    def shape(self) -> dict[str, Any]:
        return {"labels": self.labels, "pooling": self.pooling}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        weights = {key.removeprefix(_PREFIX): value for key, value in tensors.items()}
        hidden = len(weights["1.weight"]) if "3.weight" in weights else 0
        made = cls(config["labels"], _width(base), config["pooling"], hidden, **facts)
        try:
            made.score.load_state_dict(weights)
        except RuntimeError as error:
            raise AdapterError(f"{where} does not fit {base.name}: {error}") from None
        return made


def _pooling(base: FrozenBase, wanted: str | None) -> str:
    """What a head reads unless told otherwise: where words see each other, their mean says more than the first or last
    of them (https://arxiv.org/abs/1908.10084 section 4)."""
    if wanted == "cls" and not base.is_encoder:
        raise SettingError(
            f"the first token of a row sees nothing of the row on {base.name}; choose --pooling last or mean"
        )
    return wanted or ("mean" if base.is_encoder else "last")


def _width(base: FrozenBase) -> int:
    """H of the last states: what the output layer reads, where there is one (opt-350m projects them down)."""
    output = base.model.get_output_embeddings()
    return int(base.config.hidden_size if output is None else output.weight.shape[1])
