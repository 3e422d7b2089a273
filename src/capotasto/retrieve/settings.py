"""How documents are made searchable, and how they are searched."""

from typing import Literal

from pydantic import Field, model_validator

from capotasto.config import Settings
from capotasto.errors import SettingError

How = Literal["vector", "text", "hybrid"]


class IndexSettings(Settings):
    """How documents become passages and vectors."""

    embedder: str = Field(
        "minilm-l6", description="what makes vectors: minilm-l6, base:BASE, or st:MODEL of sentence-transformers"
    )
    passage: int = Field(800, ge=100, le=20_000, description="characters of a passage at most")
    overlap: int = Field(80, ge=0, description="characters that a passage repeats of the one before, at most")
    text_column: str | None = Field(
        None, description="the column of texts in CSV, JSON and Parquet files; left out: text, content, body …"
    )
    force: bool = Field(False, description="begin anew where the index was made with other settings")

    @model_validator(mode="after")
    def _less_than_a_passage(self) -> "IndexSettings":
        if 2 * self.overlap > self.passage:
            raise SettingError(
                f"overlap is {self.overlap}, and may be half of passage ({self.passage}) at most; lower one or raise"
                " the other"
            )
        return self

    def making(self) -> dict[str, str | int | None]:
        """What an index must have been made with to be gone on with."""
        return self.model_dump(exclude={"force"})


class LookupSettings(Settings):
    """How documents are searched."""

    search: How = Field("hybrid", description="by meaning (vector), by words (text, BM25), or both")
    top: int = Field(4, ge=1, le=1000, description="passages to find")
