"""/v1/completions: text continued (https://platform.openai.com/docs/api-reference/completions)."""

from typing import Literal

from pydantic import Field

from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.common import Answer, Prompts, Usage, listed
from capotasto.serve.schemas.sampling import Sampling


class CompletionRequest(Sampling):
    """What is to be continued, and how."""

    prompt: Prompts
    echo: bool | None = None
    logprobs: int | None = Field(None, ge=0, le=20)
    best_of: int | None = Field(None, ge=1, description="not supported beyond n")
    suffix: str | None = Field(None, description="not supported")

    @property
    def prompts(self) -> list[str] | list[list[int]]:
        """Each a text, or token ids."""
        return listed(self.prompt)

    def check(self, most: int) -> None:
        """See `Sampling`."""
        super().check(most)
        if self.suffix:
            raise RefusedError("suffix is not supported; leave it out", param="suffix")
        if self.best_of is not None and self.best_of != (self.n or 1):
            raise RefusedError("best_of is not supported; send n alone", param="best_of")
        if self.max_tokens == 0 and not self.echo:
            raise RefusedError("max_tokens is 0: only with echo is there anything to answer", param="max_tokens")


class Logprobs(Answer):
    """Tokens with their logprobs. text_offset: characters before the token in the choice's text."""

    tokens: list[str] = Field(default_factory=list)
    token_logprobs: list[float | None] = Field(default_factory=list)
    top_logprobs: list[dict[str, float] | None] = Field(default_factory=list)
    text_offset: list[int] = Field(default_factory=list)


class Choice(Answer):
    """One continuation."""

    index: int
    text: str
    logprobs: Logprobs | None = None
    finish_reason: Literal["stop", "length"] | None = None


class Completion(Answer):
    """The whole answer, or a piece of a stream."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None
