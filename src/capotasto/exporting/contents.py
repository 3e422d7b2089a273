"""What an adapter is made of, in words: other programs take some of it and not the rest."""

from collections.abc import Callable

from capotasto.methods.adapter import Adapter

_PLACES: dict[str, Callable[[Adapter], bool]] = {
    "virtual tokens": lambda one: one.embeds() is not None,
    "keys and values of each layer": lambda one: one.kv() is not None,
    "attention through gates": lambda one: bool(one.gated()),
    "changes of layers": lambda one: bool(one.deltas()),
    "a head": lambda one: one.head() is not None,
    "a model of its own": lambda one: one.body() is not None,
}
VIRTUAL_TOKENS, PREFIX, GATES, CHANGES, HEAD, OWN_MODEL = _PLACES


def contents(adapter: Adapter) -> list[str]:
    """The places of the base that it touches."""
    return [words for words, filled in _PLACES.items() if filled(adapter)]


def described(adapter: Adapter) -> str:
    """For errors: its name, its method and what it holds."""
    return f"{adapter.name!r} ({adapter.method}) holds {' and '.join(contents(adapter)) or 'nothing'}"
