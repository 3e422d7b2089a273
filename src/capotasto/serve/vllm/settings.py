"""Settings of the vLLM backend."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from capotasto.config import Settings, parted

_LIST: dict[str, Any] = {"metavar": "URL"}


class VllmSettings(Settings):
    """How vLLM servers are used."""

    vllm_url: list[str] | None = Field(
        None, description="addresses of vLLM servers of the base, with commas between", json_schema_extra=_LIST
    )
    vllm_model: str | None = Field(None, description="the name they serve the base under; left out, their first")
    max_waiting: int = Field(256, ge=1, description="asks under way at most; one more is told to come again")
    check_seconds: float = Field(2.0, gt=0, description="time between two looks at whether a server is well")
    connect_seconds: float = Field(5.0, gt=0, description="a server that takes no connection for so long is gone")
    silent_seconds: float = Field(300.0, gt=0, description="a server that owes an answer and is silent so long is gone")
    lora_folder: Path | None = Field(
        None,
        description="where LoRAs are put for servers, which see it under the same path; left out, in the cache",
    )

    @field_validator("vllm_url", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return parted(value)
