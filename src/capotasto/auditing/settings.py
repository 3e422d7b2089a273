"""What an audit asks, free of torch so that help texts come at once."""

import os
from typing import Any

from pydantic import Field, field_validator

from capotasto.config import Settings, parted


class AuditSettings(Settings):
    """What is asked of base and adapter."""

    probes: list[str] | None = Field(
        None,
        description="probes or skills, e.g. forgetting,crows_pairs; left out: all whose files are there",
        json_schema_extra={"metavar": "NAMES"},
    )
    rows: int = Field(40, ge=2, description="rows of each probe, spread evenly over its file")
    probes_dir: str | None = Field(
        None,
        description="the folder with the probes' files; left out: $CAPO_DATA",
        json_schema_extra={"metavar": "DIR"},
    )
    gate: str | None = Field(
        None,
        description="a YAML file of limits; where one does not hold, the exit code is 4",
        json_schema_extra={"metavar": "FILE"},
    )

    @property
    def folder(self) -> str | None:
        """Where the probes' files are; None where nobody said it."""
        return self.probes_dir or os.environ.get("CAPO_DATA")

    @field_validator("probes", mode="before")
    @classmethod
    def _parted(cls, value: Any) -> Any:
        return parted(value)
