"""Three things that only the user knows and that speak against training."""

from pydantic import Field

from capotasto.config import Settings

QUESTIONS = ("api_only", "changing", "per_user")


class WizardSettings(Settings):
    """What speaks against training."""

    wizard: bool = Field(False, description="ask whether the three things below are so")
    api_only: bool | None = Field(None, description="the model will be used behind an API that takes no adapters")
    changing: bool | None = Field(None, description="the facts in the answers change from week to week")
    per_user: bool | None = Field(None, description="each user has data of their own to be answered from")

    @property
    def answers(self) -> dict[str, bool] | None:
        """For `wizard` in `compare.json`: None where nothing was answered; what was left open is a no."""
        given = {name: getattr(self, name) for name in QUESTIONS}
        known = any(answer is not None for answer in given.values())
        return {name: bool(answer) for name, answer in given.items()} if known else None
