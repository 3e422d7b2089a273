"""Which base a command uses."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from capotasto.cli.terminal import err
from capotasto.config import Settings

if TYPE_CHECKING:
    from capotasto.session import Base


class BaseSettings(Settings):
    """The frozen base."""

    base: str | None = Field(
        None, description="an alias (capo bases lists them), owner/name[@revision], a folder or a .gguf file"
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    dtype: Literal["auto", "fp32", "bf16"] = Field("auto", description="number format of the base")
    trust_remote_code: bool = Field(False, description="run the Python files that come with the base: read them first")


def load(settings: BaseSettings) -> "Base":
    """The base, with a sign of life while it is fetched and read."""
    from capotasto.session import DEFAULT_BASE, load_base

    name = settings.base or DEFAULT_BASE
    with err.status(f"loading {name}"):
        return load_base(name, settings.dtype, settings.device, settings.trust_remote_code)
