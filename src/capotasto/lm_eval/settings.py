"""What stands behind lm-eval's `--model_args`."""

from typing import Literal

from pydantic import Field

from capotasto.config import Settings

BATCH_TOKENS = 4096


class ModelSettings(Settings):
    """Which base answers, with which adapter, and how much of it at a time."""

    base: str | None = Field(None, description="an alias, owner/name[@revision], a folder or a .gguf file")
    adapter: str | None = Field(None, description="the folder of an adapter; left out: the bare base")
    dtype: Literal["auto", "fp32", "bf16", "fp64"] = Field("auto", description="number format of the base")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:1")
    trust_remote_code: bool = Field(False, description="run the Python files that come with the base: read them first")
    batch_tokens: int = Field(BATCH_TOKENS, ge=1, description="about so many tokens are computed at a time")
    max_length: int | None = Field(
        None, ge=2, description="tokens of a row at most, virtual ones apart; left out: as many as the base takes"
    )
