"""Several methods in one adapter (`prompt+lora`): each fills its own places of the base."""

from collections.abc import Sequence
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.errors import SettingError
from capotasto.methods.adapter import Adapter, Delta, Gated
from capotasto.methods.own_model import OwnModel
from capotasto.methods.settings import MethodSettings
from capotasto.methods.settled import Settled


class CombinedAdapter(Adapter):
    """What its parts do, all at once. Virtual tokens stand in the order of the parts; changes add up.

    Errors: a part with a model of its own beside another one than a head.
    """

    def __init__(self, parts: Sequence[Adapter], base: FrozenBase, **facts: Any):
        super().__init__(**facts)
        rates = [part.rate(base)[0] for part in parts]
        self._shares = [rate / rates[0] for rate in rates]
        for part in parts:
            others = [other for other in parts if other is not part]
            if isinstance(part, OwnModel) and any(other.head() is None for other in others):
                raise SettingError(
                    f"{part.method} runs a model of its own and cannot be combined with other methods than head;"
                    " train it by itself"
                )
            if part.tasked:
                raise SettingError(
                    f"{part.method} is another prompt for each task and cannot be combined; use it alone"
                )
        self.method = self._called([part.method for part in parts])
        if sum(part.head() is not None for part in parts) > 1:
            raise SettingError("two heads cannot both answer; combine one head with other methods")
        self.parts = nn.ModuleList(parts)

    @classmethod
    def _called(cls, names: Sequence[str]) -> str:
        """What it is called by the methods of its parts. Errors: two of one name, which would share a folder."""
        if len(set(names)) < len(names):
            raise SettingError(f"{'+'.join(names)} names a method twice; name each once")
        return "+".join(names)

    def folders(self) -> dict[str, Adapter]:
        """Where its parts are kept, inside of its own folder."""
        return {part.method: part for part in self.adapters()}

    def adapters(self) -> list[Adapter]:
        """The parts, in order."""
        return [cast(Adapter, part) for part in self.parts]

    @override
    def embeds(self) -> Tensor | None:
        found = [vectors for part in self.adapters() if (vectors := part.embeds()) is not None]
        return torch.cat(found) if found else None

    @override
    def kv(self) -> Tensor | None:
        found = [cache for part in self.adapters() if (cache := part.kv()) is not None]
        return torch.cat(found, dim=3) if found else None

    @override
    def learns_from(self) -> int:
        return min((part.learns_from() for part in self.adapters() if part.kv() is not None), default=0)

    @override
    def gated(self) -> list[Gated]:
        return [one for part in self.adapters() for one in part.gated()]

    @override
    def deltas(self) -> dict[str, Delta]:
        found: dict[str, list[Delta]] = {}
        for part in self.adapters():
            for name, delta in part.deltas().items():
                found.setdefault(name, []).append(delta)
        return {name: _sum(deltas) for name, deltas in found.items()}

    @override
    def settled(self) -> dict[str, list[Settled]] | None:
        """In the order of the parts: each change sees the output with those before it."""
        found: dict[str, list[Settled]] = {}
        for part in self.adapters():
            stages = part.settled()
            if stages is None:
                return None
            for name, changes in stages.items():
                found.setdefault(name, []).extend(changes)
        return found

    @override
    def reseed(self, seed: int) -> None:
        for part in self.adapters():
            part.reseed(seed)

    @override
    def classes(self) -> list[str] | None:
        return next((names for part in self.adapters() if (names := part.classes()) is not None), None)

    @override
    def head(self) -> nn.Module | None:
        return next((head for part in self.adapters() if (head := part.head()) is not None), None)

    @override
    def shape(self) -> dict[str, Any]:
        """What its parts say, for those that lie in one file."""
        return {key: value for part in self.adapters() for key, value in part.shape().items()}

    @override
    def body(self) -> PreTrainedModel | None:
        return next((model for part in self.adapters() if (model := part.body()) is not None), None)

    @classmethod
    @override
    def fresh(cls, base: FrozenBase, settings: MethodSettings, labels: list[str], seed: int, **facts: Any) -> Self:
        raise TypeError("its parts are made one by one")

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        """The first part's; the others learn as much faster or slower as their own rates are."""
        rate, rule = self.adapters()[0].rate(base)
        others = zip(self.adapters()[1:], self._shares[1:], strict=True)
        return rate, "; ".join([rule, *(f"{part.method}: {share:.3g} times that" for part, share in others)])

    @override
    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return [(part.groups()[0][0], share) for part, share in zip(self.adapters(), self._shares, strict=True)]

    @override
    def tensors(self) -> dict[str, Tensor]:
        """Nothing by itself: its parts are saved side by side."""
        return {}

    @classmethod
    @override
    def read(
        cls, tensors: dict[str, Tensor], config: dict[str, Any], base: FrozenBase, where: str, **facts: Any
    ) -> Self:
        raise TypeError("its parts are read one by one")


def _sum(deltas: list[Delta]) -> Delta:
    def together(x: Tensor, y: Tensor) -> Tensor:
        """Each change sees the output with those before it, as when hooks follow each other."""
        out = y
        for delta in deltas:
            out = out + delta(x, out)
        return out - y

    return together
