"""/v1/embeddings: texts as vectors (https://platform.openai.com/docs/api-reference/embeddings)."""

from typing import Literal

from pydantic import Field

from capotasto.serve.schemas.common import Answer, Model, Prompts, Request, Usage, listed


class EmbeddingRequest(Request):
    """Texts, or token ids."""

    model: str = Model
    input: Prompts
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1, description="only the base's own width")

    @property
    def inputs(self) -> list[str] | list[list[int]]:
        """Each a text, or token ids."""
        return listed(self.input)


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
