"""Further data sets of a run and how all of them are mixed: the settings."""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from capotasto.config import Settings, paired


class TaskFile(Settings):
    """A further task: its file and how it is read."""

    data: str = Field(description="its data file, or hub:OWNER/NAME")
    weight: float = Field(1.0, gt=0, allow_inf_nan=False, description="factor of its share")
    map: dict[str, str] | None = Field(None, description="which of its columns is what")


class MixtureSettings(Settings):
    """Several data sets, one adapter."""

    mix: dict[str, TaskFile] | None = Field(
        None,
        description="further data files, each a task of its own: FILE or FILE=NAME, with commas between them",
        json_schema_extra={"metavar": "FILE=NAME"},
    )
    mix_by: Literal["proportional", "equal", "temperature"] = Field(
        "proportional", description="a task's share: as it has rows (n), the same for all, or n^(1/temperature)"
    )
    mix_temperature: float = Field(
        2.0, ge=1, allow_inf_nan=False, description="1 mixes as proportional does, a high one almost equally"
    )
    mix_weights: dict[str, float] | None = Field(
        None,
        description="factors of the tasks' shares, e.g. tickets=2,faq=0.5; the others have 1",
        json_schema_extra={"metavar": "NAME=X"},
    )

    @field_validator("mix", mode="before")
    @classmethod
    def _tasks(cls, value: object) -> object:
        """`a.csv,b.csv=faq` as on the command line, a list of such, or a mapping from names to files."""
        if value is None or isinstance(value, dict):
            found = value or {}
            return {name: {"data": part} if isinstance(part, str) else part for name, part in found.items()} or None
        texts = value if isinstance(value, list | tuple) else [value]
        named = [_named(part.strip()) for text in texts for part in str(text).split(",")]
        name, times = Counter(name for name, _ in named).most_common(1)[0]
        if times > 1:
            raise ValueError(f"two tasks are called {name!r}: name one of them with FILE=NAME")
        return {name: {"data": file} for name, file in named}

    @field_validator("mix_weights", mode="before")
    @classmethod
    def _weights(cls, value: object) -> object:
        return paired(value, "tickets=2,faq=0.5")

    @field_validator("mix_weights")
    @classmethod
    def _positive(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        for name, weight in (value or {}).items():
            if not 0 < weight < float("inf"):
                raise ValueError(f"the weight of {name!r} is {weight:g}, and a weight is above 0")
        return value


def task_name(source: str) -> str:
    """What the task of a data file is called where nothing else is said: `faq` for data/faq.csv."""
    if source.startswith("hub:"):
        return source.removeprefix("hub:").split(":")[0].rpartition("/")[2]
    return Path(source).stem


def _named(text: str) -> tuple[str, Any]:
    file, _, name = text.partition("=")
    return name or task_name(file), file
