"""A head on frozen features: the base is repurposed, its states are read and its vocabulary is not used.

Source: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146, section 3.3 (pooled features); the linear head has the
name and the form of transformers' sequence classifiers, and without norm it is one.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError, DataError, SettingError
from capotasto.methods.adapter import Adapter
from capotasto.methods.settings import MethodSettings

SCORE = "base_model.model.score."  # where PEFT keeps the `score` of transformers' sequence classifiers


class Head(nn.Sequential):
    """Features [.., H] → [.., C]: normed, a hidden layer if there is one, a linear layer.

    objective: what its C outputs are: logits of classes (`classify`), numbers in units of their spread among the
               training rows (`regress`), or logits of marks (`multilabel`)
    mean, std: [C] of the training rows' numbers

    Without norm there is no bias either, as in transformers. States of different bases have different scales.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, size: int, outputs: int, objective: str = "classify", pooling: str = "last", hidden: int = 0,
        norm: bool = True,
    ):  # fmt: skip
        last = nn.Linear(hidden or size, outputs, bias=norm or bool(hidden))
        layers = [nn.Linear(size, hidden), nn.ReLU(), last] if hidden else [last]
        super().__init__(nn.LayerNorm(size, elementwise_affine=False) if norm else nn.Identity(), *layers)
        self.objective, self.pooling, self.norm = objective, pooling, norm
        self.register_buffer("mean", torch.zeros(outputs), persistent=False)
        self.register_buffer("std", torch.ones(outputs), persistent=False)

    @property
    def plain(self) -> bool:
        """True for what transformers' sequence classifiers compute: one linear layer on the last token's state."""
        return not self.norm and len(self) == 2 and self.pooling == "last"

    def standardise(self, rows: Sequence[Sequence[float]], names: Sequence[str], source: str) -> None:
        """Take the scale of the training rows' numbers [N, C]. Errors: a column that does not vary."""
        numbers = torch.tensor(rows, dtype=torch.float64)
        for name, column in zip(names, numbers.T, strict=True):
            if bool((column == column[0]).all()):
                raise DataError(
                    f"column {name!r} of {source} is {column[0]:g} on every training row, so there is nothing to learn;"
                    " map a column that varies"
                )
        self.mean.copy_(numbers.mean(0))
        self.std.copy_(numbers.std(0, correction=0))

    def in_own_scale(self, numbers: Sequence[float]) -> tuple[float, ...]:
        """[C] numbers as they are learnt: less their mean, in units of their spread."""
        scales = zip(numbers, self.mean.tolist(), self.std.tolist(), strict=True)
        return tuple((number - mean) / std for number, mean, std in scales)


class HeadAdapter(Adapter):
    """States [.., H] → [.., C] outputs.

    labels: C names, in the order of the outputs: classes, or columns of numbers
    """

    method = "head"

    def __init__(self, labels: list[str], size: int, seed: int = 0, *, form: dict[str, Any], **facts: Any):
        super().__init__(**facts)
        self.labels = labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.score = Head(size, len(labels), **form)

    @override
    def classes(self) -> list[str]:
        return self.labels

    @override
    def head(self) -> Head:
        return self.score

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        if not labels:
            raise SettingError("method head chooses among labels, and this data has none; map them: --map label=COLUMN")
        form = {
            "objective": settings.objective or "classify",
            "pooling": _pooling(base, settings.pooling),
            "hidden": settings.hidden,
            "norm": settings.head_norm,
        }
        return cls(labels, _width(base), seed, form=form, **facts).to(base.device)

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        if self.score.norm:
            return 1e-2, "1e-2, for a head on normed features"
        return 1e-3, "1e-3, for a head on features as they are"

    @override
    def tensors(self) -> dict[str, Tensor]:
        found = self.score.state_dict()
        if self.score.plain:
            found = {"weight": found["1.weight"]}
        return {f"{SCORE}{name}": value.detach() for name, value in found.items()}

    @override
    def config(self, base: FrozenBase) -> dict[str, Any] | None:
        """A sequence classifier of which PEFT changes nothing but its head; None for a head of another form, and on an
        encoder, where transformers' classifiers have further layers."""
        if not self.score.plain or base.is_encoder:
            return None
        return {
            "peft_type": "LORA",
            "task_type": "SEQ_CLS",
            "base_model_name_or_path": str(base.folder or base.name),
            "inference_mode": True,
            "target_modules": "dummy-target-modules",  # PEFT's name for none
            "modules_to_save": ["score"],
        }

    @override
    def shape(self) -> dict[str, Any]:
        score = self.score
        scale = {"mean": score.mean.tolist(), "std": score.std.tolist()} if score.objective == "regress" else {}
        found = {"labels": self.labels, "objective": score.objective, "pooling": score.pooling, "norm": score.norm}
        return {**found, **scale}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        weights = {key.removeprefix(SCORE): value for key, value in tensors.items()}
        if "weight" in weights:
            weights["1.weight"] = weights.pop("weight")
        form = {
            "objective": config.get("objective", "classify"),
            "pooling": config["pooling"],
            "hidden": len(weights["1.weight"]) if "3.weight" in weights else 0,
            "norm": config.get("norm", True),
        }
        made = cls(config["labels"], _width(base), form=form, **facts)
        try:
            made.score.load_state_dict(weights)
        except RuntimeError as error:
            raise AdapterError(f"{where} does not fit {base.name}: {error}") from None
        if "mean" in config:
            made.score.mean.copy_(torch.tensor(config["mean"]))
            made.score.std.copy_(torch.tensor(config["std"]))
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
