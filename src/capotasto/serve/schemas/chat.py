"""/v1/chat/completions: messages answered (https://platform.openai.com/docs/api-reference/chat)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from capotasto.retrieve.settings import How
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.common import Answer, Body, Usage
from capotasto.serve.schemas.sampling import Sampling
from capotasto.types import Turn

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class Part(Body):
    """A part of a message."""

    type: Literal["text"]
    text: str


class Message(Body):
    """One message."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[Part], Field(min_length=1)]

    @property
    def turn(self) -> Turn:
        """The same as a turn; parts are put together as they stand."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return Turn(_ROLES[self.role], text)  # type: ignore[arg-type]


class ChatRequest(Sampling):
    """What is to be answered, and how."""

    unsupported: ClassVar[tuple[str, ...]] = (*Sampling.unsupported, "audio")

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1, le=1 << 20)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    tools: list[Any] | None = Field(None, description="not supported")
    functions: list[Any] | None = Field(None, description="not supported")
    audio: Any = Field(None, description="not supported")
    modalities: list[str] | None = Field(None, description="text alone")
    index: str | None = Field(
        None, max_length=64, description="of --index: what it has on the last message is put before it"
    )
    index_top: int = Field(4, ge=1, le=20, description="passages to find in the index")
    index_search: How = Field("hybrid", description="how they are found")

    @property
    def wanted(self) -> int | None:
        """New tokens; None where the request does not say."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    def check(self, most: int) -> None:
        """See `Sampling`."""
        super().check(most)
        if self.tools or self.functions:
            raise RefusedError("tools are not supported; leave them out", param="tools")
        if set(self.modalities or ()) - {"text"}:
            raise RefusedError("modalities other than text are not supported; leave them out", param="modalities")
        if self.wanted == 0:
            raise RefusedError("max_tokens is 0: there would be no answer", param="max_tokens")
        if self.top_logprobs is not None and not self.logprobs:
            raise RefusedError("top_logprobs needs logprobs: true", param="top_logprobs")


class Likely(Answer):
    """A token that might have stood there. bytes: null where the token is a part of a character."""

    token: str
    logprob: float
    bytes: list[int] | None


class Placed(Likely):
    """The token that stands there, and the likeliest."""

    top_logprobs: list[Likely]


class ChatLogprobs(Answer):
    """Every token of the message."""

    content: list[Placed]


class Said(Answer):
    """The model's message."""

    role: Literal["assistant"] = "assistant"
    content: str


class Delta(Answer):
    """What is new in it."""

    role: Literal["assistant"] | None = None
    content: str | None = None

    @model_serializer(mode="wrap")
    def _what_is_new(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if value is not None}


class Quoted(Answer):
    """A passage that stood before the last message. start, end: characters of the document's text"""

    number: int
    file: str
    heading: str
    start: int
    end: int
    text: str
    score: float


class ChatChoice(Answer):
    """One message."""

    index: int
    message: Said
    logprobs: ChatLogprobs | None = None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(Answer):
    """The whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Usage
    passages: list[Quoted] | None = None


class ChunkChoice(Answer):
    """What is new in one message."""

    index: int
    delta: Delta
    logprobs: ChatLogprobs | None = None
    finish_reason: Literal["stop", "length"] | None = None


class ChatChunk(Answer):
    """A piece of a stream. The passages come with the first."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None
    passages: list[Quoted] | None = None
