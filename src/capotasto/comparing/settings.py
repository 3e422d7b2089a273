"""The settings of a comparison, beside those that say which rows are used for what."""

from typing import Any

from pydantic import Field, field_validator

from capotasto.comparing.contenders import CONTENDERS
from capotasto.comparing.wizard_settings import WizardSettings
from capotasto.config import Settings, parted
from capotasto.errors import nearest
from capotasto.experiment.search.settings import checked_time, seconds_of
from capotasto.experiment.settings import DataSettings, TuneSettings

ALL = "all"


class CompareSettings(Settings):
    """What is compared, and for how long."""

    methods: list[str] | None = Field(
        None,
        description="the contenders, e.g. zero-shot,few-shot,lora; left out: all of them",
        json_schema_extra={"metavar": "all|A,B"},
    )
    docs: str | None = Field(None, description="documents for the contender retrieval: a folder, or an index of one")
    probes_dir: str | None = Field(
        None,
        description="files of the probes that the best adapter is audited with; left out: $CAPO_DATA",
        json_schema_extra={"metavar": "DIR"},
    )
    budget: str = Field("20m", description="time for everything, judging included, e.g. 90s, 20m or 2h")
    seed: int = Field(0, ge=0, description="seed of the split, of drawn rows and of trainings")
    resume: bool = Field(False, description="go on with what is in the folder: contenders that are done are kept")
    force: bool = Field(False, description="replace what an earlier comparison left in the folder")

    @field_validator("methods", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """`all`, `a,b` as on the command line, or a list."""
        names = parted(value)
        if names is None or names == [ALL]:
            return None
        if not names:
            raise ValueError(f"name at least one contender; {nearest('', CONTENDERS)}")
        if unknown := next((name for name in names if name not in CONTENDERS), None):
            raise ValueError(f"unknown contender {unknown!r}; {nearest(str(unknown), CONTENDERS)}")
        return names

    @field_validator("budget", mode="before")
    @classmethod
    def _is_time(cls, value: Any) -> Any:
        return checked_time(value)

    @property
    def contenders(self) -> list[str]:
        """Those that are wanted, in the order in which they are carried out."""
        return [name for name in CONTENDERS if self.methods is None or name in self.methods]

    @property
    def seconds(self) -> float:
        """The budget."""
        return seconds_of(self.budget)


class AllSettings(CompareSettings, WizardSettings, DataSettings):
    """Everything `capo compare` can be told."""

    def training(self, **own: Any) -> TuneSettings:
        """The settings of one training: the rows of the comparison, learnt as `own` says."""
        rows = {name: getattr(self, name) for name in DataSettings.model_fields}
        return TuneSettings.build({**rows, "seed": self.seed, **own}, "a contender")
