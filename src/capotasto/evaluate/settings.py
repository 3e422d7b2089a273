"""What is measured beside the usual metrics: the settings."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from capotasto.config import Settings, parted


class MetricSettings(Settings):
    """What is measured."""

    metrics: list[str] | None = Field(
        None,
        description="further metrics, with commas between them, or all that fit (capo methods lists them)",
        json_schema_extra={"metavar": "NAMES"},
    )
    json_schema: Path | None = Field(None, description="the JSON schema that the metric json_schema holds answers to")
    answer_tokens: int | None = Field(
        None, ge=1, description="tokens of a written answer at most; left out: as many as the longest wanted one has"
    )

    @field_validator("metrics", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return parted(value)
