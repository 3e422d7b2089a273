"""How text is written."""

from pydantic import Field

from capotasto.config import Settings


class GenerateSettings(Settings):
    """How text is written."""

    max_new_tokens: int = Field(50, ge=1, description="tokens to write at most")
    temperature: float = Field(0.0, ge=0, description="0 takes the likeliest token; higher is more varied")
    top_p: float = Field(1.0, gt=0, le=1, description="sample among the likeliest tokens that hold this probability")
    top_k: int = Field(0, ge=0, description="sample among so many likeliest tokens; 0: among all")
    repetition_penalty: float = Field(1.0, gt=0, description="above 1, tokens already there become less likely")
    presence_penalty: float = Field(
        0.0, ge=-2, le=2, description="what tokens written before lose, however often they were written"
    )
    frequency_penalty: float = Field(
        0.0, ge=-2, le=2, description="what tokens lose for each time they were written before"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="seed of the sampling")
    ignore_end: bool = Field(False, description="write the end token like any other, and go on")
