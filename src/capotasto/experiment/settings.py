"""All settings of `capo tune`: one flat list of names for Python, YAML, the command line and the report."""

from typing import Literal

from pydantic import Field, field_validator

from capotasto.config import Settings, paired
from capotasto.errors import SettingError
from capotasto.experiment.curriculum_settings import CurriculumSettings
from capotasto.experiment.mixture_settings import MixtureSettings
from capotasto.experiment.replay_settings import ReplaySettings
from capotasto.methods.settings import SOFT, MethodSettings
from capotasto.training.settings import TrainSettings


class DataSettings(Settings):
    """Which rows are used for what."""

    map: dict[str, str] | None = Field(None, description="which column is what, e.g. prompt=question,completion=reply")
    val: float = Field(0.1, ge=0, lt=1, description="share of the rows that decide when to stop")
    test: float = Field(0.1, ge=0, lt=1, description="share of the rows kept untouched for the scores")
    val_data: str | None = Field(None, description="a file of validation rows, instead of a share")
    test_data: str | None = Field(None, description="a file of test rows, instead of a share")
    max_rows: int | None = Field(None, ge=1, description="use no more than so many rows from the top")
    on_bad_row: Literal["stop", "skip"] = Field("stop", description="what to do with a row that cannot be used")
    duplicates: Literal["drop", "keep"] = Field("drop", description="what to do with rows that repeat another exactly")
    max_length: int = Field(
        1024, ge=8, description="tokens of a row; a longer prompt loses its left, a longer text is cut into windows"
    )

    @field_validator("map", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        return paired(value, "prompt=question,completion=reply")


class RunSettings(Settings):
    """Where and how a run is kept."""

    name: str | None = Field(None, description="the adapter's name; left out: the name of its folder")
    resume: bool = Field(False, description="go on with a run that was stopped")
    force: bool = Field(False, description="write into a folder that is not empty")
    report_to: Literal["none", "tensorboard", "trackio", "mlflow", "wandb"] = Field(
        "none", description="also send the training log to this tracker"
    )
    trunk_gb: float = Field(
        4.0, ge=0, description="disk for the states of layers below all that learns, computed once; 0: none"
    )
    checkpoint_seconds: float = Field(20.0, ge=0, description="seconds between two checkpoints")


VIRTUAL = {*SOFT, "prefix"}


class TuneSettings(
    RunSettings, ReplaySettings, CurriculumSettings, MixtureSettings, DataSettings, MethodSettings, TrainSettings
):
    """Everything `capo tune` can be told."""

    @property
    def virtual(self) -> int:
        """Virtual tokens that the method puts before a row."""
        return self.tokens * sum(name in VIRTUAL for name in self.method.split("+"))

    def check_context(self, context: int | None, virtual: int) -> None:
        """virtual: all virtual tokens of a row, those of the adapter beneath included.

        Errors: virtual tokens that leave no room for text, or a place for them where there are none.
        """
        if self.placement != "front" and not SOFT & set(self.method.split("+")):
            raise SettingError(f"method {self.method} has no virtual tokens to be placed; leave --placement out")
        if context is not None and virtual >= context:
            raise SettingError(
                f"{virtual} virtual tokens fill the context of {context} tokens; choose fewer with --tokens"
            )
