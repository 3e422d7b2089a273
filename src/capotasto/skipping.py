"""A model run in part: up to the states that enter a layer, or from there on with states that are given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

_STATES = "hidden_states"  # what transformers calls a layer's input
_gives_tuple: dict[type[nn.Module], bool] = {}  # older kinds of layers give a tuple with the states in front


class Reached(Exception):  # noqa: N818 (not an error: it ends a run that has done enough)
    """Carries the states [1, N, H] that enter a layer."""

    def __init__(self, states: Tensor):
        super().__init__("the layer is reached")
        self.states = states


def layers_of(model: nn.Module, count: int) -> nn.ModuleList:
    """The model's layers, of which there are `count`."""
    return next(part for part in model.modules() if isinstance(part, nn.ModuleList) and len(part) == count)


@contextmanager
def stopping_at(layers: nn.ModuleList, depth: int) -> Iterator[None]:
    """Calls of the model inside the block end at layer `depth` by raising `Reached`."""

    def stop(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        raise Reached(given[0] if given else named[_STATES])

    def note(module: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        _gives_tuple[type(module)] = isinstance(out, tuple)

    handles = [layers[0].register_forward_hook(note)]
    handles.append(layers[depth].register_forward_pre_hook(stop, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def known(layers: nn.ModuleList) -> bool:
    """True once a run that stopped at a layer has shown in what form these layers give their states."""
    return type(layers[0]) in _gives_tuple


@contextmanager
def starting_at(layers: nn.ModuleList, depth: int, states: Tensor) -> Iterator[None]:
    """Calls of the model inside the block skip the layers below `depth`, whose input becomes `states` [1, N, H].

    The layers' form must be `known`.
    """

    def enter(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
        return ((states, *given[1:]), named) if given else (given, {**named, _STATES: states})

    def pass_on(hidden_states: Tensor, *_: Any, **__: Any) -> Any:
        return (hidden_states, None) if _gives_tuple[type(layers[0])] else hidden_states

    skipped = [layers[i] for i in range(depth)]
    before = [vars(layer).get("forward") for layer in skipped]
    handle = layers[depth].register_forward_pre_hook(enter, with_kwargs=True)
    try:
        for layer in skipped:
            layer.forward = pass_on
        yield
    finally:
        handle.remove()
        for layer, own in zip(skipped, before, strict=True):
            del layer.forward
            if own is not None:
                layer.forward = own
