"""One adapter learned on top of another that stays as it is: both act, in training and afterwards."""

from collections.abc import Sequence
from typing import Any, Self

from torch import nn
from typing_extensions import override

from capotasto.base.frozen import FrozenBase
from capotasto.methods.adapter import Adapter
from capotasto.methods.combined import CombinedAdapter


class StackedAdapter(CombinedAdapter):
    """`over` on `under`: the tokens of `under` come first, and its changes act before those of `over`.

    under: frozen here, and without dropout
    over:  what is learned
    """

    def __init__(self, under: Adapter, over: Adapter, base: FrozenBase, **facts: Any):
        super().__init__([under, over], base, **facts)
        under.requires_grad_(False)

    @override
    def folders(self) -> dict[str, Adapter]:
        return dict(zip(("under", "over"), self.adapters(), strict=True))

    @classmethod
    @override
    def _called(cls, names: Sequence[str]) -> str:
        return f"{names[1]} on {names[0]}"

    @override
    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.adapters()[0].eval()
        return self

    @override
    def rate(self, base: FrozenBase) -> tuple[float, str]:
        return self.adapters()[1].rate(base)

    @override
    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        return self.adapters()[1].groups()


def stack(base: FrozenBase, under: Adapter | None, over: Adapter) -> Adapter:
    """`over` on `under`, with what `over` knows of itself; `over` alone where there is nothing beneath.

    Virtual tokens of both stand where those of `under` do. Errors: two that cannot act together.
    """
    if under is None:
        return over
    facts: dict[str, Any] = {key: getattr(over, key) for key in ("name", "fingerprint", "start", "dialogue")}
    placement = over.placement if under.embeds() is None else under.placement
    return StackedAdapter(under, over, base, placement=placement, **facts)
