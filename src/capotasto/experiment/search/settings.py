"""The settings of a search, beside those of `capo tune` that all its trials share."""

import re
from typing import Any

from pydantic import Field, field_validator

from capotasto.config import Settings

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class SearchSettings(Settings):
    """How settings are searched for."""

    space: str | dict[str, Any] | None = Field(
        None, description="what to try, e.g. lr=1e-4..1e-1:log,rank=4|8|16; left out: learning rate and size"
    )
    trials: int = Field(16, ge=1, description="how many settings to try")
    budget: str | None = Field(
        None, description="time for the trials, e.g. 90s, 10m or 2h; left out: as long as they take"
    )
    halving: int = Field(3, ge=2, description="one trial in so many goes on from each rung to the next")
    together: int = Field(8, ge=1, description="trials that learn at the same time, in mixed batches")
    on: str | None = Field(
        None, description="spread the trials over a Ray cluster: ray, or ray://HOST:PORT; left out: this machine"
    )

    @field_validator("budget", mode="before")
    @classmethod
    def _is_time(cls, value: Any) -> Any:
        return None if value is None else checked_time(value)

    @field_validator("on")
    @classmethod
    def _is_cluster(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"ray(://.+:\d+)?", value):
            raise ValueError("write ray, or ray://HOST:PORT")
        return value

    @property
    def seconds(self) -> float:
        """The time for the trials; infinite where none is set."""
        return float("inf") if self.budget is None else seconds_of(self.budget)


def checked_time(value: Any) -> str:
    """The text of a time. Errors (ValueError): it is none, or no time at all."""
    if seconds_of(str(value)) <= 0:
        raise ValueError("write a time such as 90s, 10m or 2h")
    return str(value)


def seconds_of(text: str) -> float:
    """`90s`, `10m`, `2h`, `1.5h`; a bare number is seconds. 0 for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    return float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
