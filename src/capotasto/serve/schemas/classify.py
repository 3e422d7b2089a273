"""/v1/classify: labels or numbers of texts (in the shape of vLLM's endpoint, with the labels' names)."""

from typing import Annotated, Literal

from pydantic import Field

from capotasto.serve.schemas.common import Answer, Model, Request, Usage


class ClassifyRequest(Request):
    """Texts to be judged by an adapter."""

    model: str = Model
    input: str | Annotated[list[str], Field(min_length=1)]

    @property
    def texts(self) -> list[str]:
        """As a list."""
        return [self.input] if isinstance(self.input, str) else self.input


class Judged(Answer):
    """What was said of one text.

    label:         the likeliest; null where numbers are told or several labels may fit
    labels:        all that fit, where several may
    probs:         in the order of the labels; several may fit: each by itself
    probabilities: the same by label
    numbers:       by column, where numbers are told
    """

    index: int
    label: str | None = None
    labels: list[str] | None = None
    probs: list[float] = Field([])
    probabilities: dict[str, float] = Field({})
    numbers: dict[str, float] | None = None
    num_classes: int = 0


class Classified(Answer):
    """One entry for each text."""

    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[Judged]
    usage: Usage
