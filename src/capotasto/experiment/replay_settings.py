"""General text against forgetting: the settings."""

from pydantic import Field

from capotasto.config import Settings


class ReplaySettings(Settings):
    """General text against forgetting."""

    replay: str | None = Field(None, description="a file of general text or dialogues that is learnt beside the task")
    replay_share: float = Field(0.1, gt=0, lt=1, description="share of it among each step's tokens, and of the loss")
