"""How canaries are planted: the settings."""

from pathlib import Path

from pydantic import Field

from capotasto.config import Settings

MOST = 10  # canaries: the false alarms of all of them together are counted with so many in mind


class CanarySettings(Settings):
    """Canaries: made-up secrets that show what is learnt by heart."""

    plant_canaries: int | None = Field(
        None, ge=1, le=MOST, description="write a copy of the data with so many made-up secrets in it, and their key"
    )
    times: int | None = Field(None, ge=1, description="how often each of them stands in the copy; left out: 50")
    out: Path | None = Field(None, description="the copy, a new .jsonl file; the key comes beside it")
