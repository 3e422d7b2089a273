"""/tokenize: the token ids of a prompt (vLLM's endpoint)."""

from pydantic import Field, model_validator

from capotasto.serve.schemas.chat import Message
from capotasto.serve.schemas.common import Answer, Model, Request


class TokenizeRequest(Request):
    """A text as /v1/completions takes it, or messages as /v1/chat/completions takes them."""

    model: str = Model
    prompt: str | None = None
    messages: list[Message] | None = Field(None, min_length=1)
    return_token_strs: bool | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "TokenizeRequest":
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("send either prompt or messages")
        return self


class Tokens(Answer):
    """The ids; virtual tokens are not among them."""

    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None = None
