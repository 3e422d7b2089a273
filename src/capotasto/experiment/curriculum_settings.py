"""Easy rows first: the settings."""

import re

from pydantic import Field, field_validator

from capotasto.config import Settings

COLUMN = "column:"


class CurriculumSettings(Settings):
    """Easy rows first."""

    curriculum: str = Field(
        "none", description="what makes a row difficult: none, length, loss (of the base), or column:NAME, a number"
    )
    curriculum_start: float = Field(
        0.25, gt=0, le=1, description="share of the rows in play at first; all are from half of the steps on"
    )

    @field_validator("curriculum")
    @classmethod
    def _known(cls, value: str) -> str:
        if not re.fullmatch(rf"none|length|loss|{COLUMN}.+", value):
            raise ValueError("choose none, length, loss or column:NAME")
        return value

    @property
    def curriculum_column(self) -> str | None:
        """The column that says how difficult a row is."""
        return self.curriculum.removeprefix(COLUMN) if self.curriculum.startswith(COLUMN) else None
