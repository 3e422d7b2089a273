"""How much an engine takes on."""

from pydantic import Field

from capotasto.config import Settings


class EngineSettings(Settings):
    """The engine that writes."""

    max_rows: int = Field(32, ge=1, description="rows written side by side")
    kv_gb: float = Field(2.0, gt=0, description="GiB for keys and values of rows")
    prefill_tokens: int = Field(256, ge=1, description="prompt tokens computed between two steps at most")
    prompt_cache_mb: int = Field(256, ge=0, description="MiB for keys and values of soft prompts")
    max_waiting: int = Field(256, ge=0, description="rows that wait at most; more are refused")
