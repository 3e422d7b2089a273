"""/v1/embeddings: texts as vectors (https://platform.openai.com/docs/api-reference/embeddings)."""

from typing import Annotated, Literal

from pydantic import Field

from capotasto.serve.schemas.common import Answer, Model, Request, Usage

Ids = Annotated[list[int], Field(min_length=1)]


class EmbeddingRequest(Request):
    """Texts, or token ids."""

    model: str = Model
    input: str | Ids | Annotated[list[str], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, description="only the base's own width")

    @property
    def inputs(self) -> list[str] | list[list[int]]:
        """As a list."""
        if isinstance(self.input, str):
            return [self.input]
        return [self.input] if isinstance(self.input[0], int) else self.input


class Embedding(Answer):
    """A vector of length 1: numbers, or their bytes (fp32, little end first) in base64."""

    index: int
    object: Literal["embedding"] = "embedding"
    embedding: list[float] | str


class Embeddings(Answer):
    """One vector for each text."""

    object: Literal["list"] = "list"
    model: str
    data: list[Embedding]
    usage: Usage
