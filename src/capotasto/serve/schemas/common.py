"""What all requests and answers have in common."""

import json
import time
import uuid
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ids = Annotated[list[int], Field(min_length=1)]
Prompts = str | Ids | Annotated[list[str], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]


class Body(BaseModel):
    """A request. Types are strict; unknown fields are passed over, as OpenAI's clients expect."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, protected_namespaces=())


class Request(Body):
    """The whole of a request."""

    @model_validator(mode="before")
    @classmethod
    def _unicode(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        try:
            json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text has half a surrogate pair, which is no character; remove it") from None
        except RecursionError:
            raise ValueError("the body is nested too deeply; send a flatter one") from None
        return values


class Answer(BaseModel):
    """An answer."""

    model_config = ConfigDict(protected_namespaces=())


class Usage(Answer):
    """Tokens of a request; virtual tokens are not counted."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class Fault(Answer):
    """What is wrong, in one line."""

    message: str
    type: str
    param: str | None
    code: str | None


class Envelope(Answer):
    """OpenAI's form of an error."""

    error: Fault


def usage(prompt: int, written: int = 0) -> Usage:
    """The sum is made here."""
    return Usage(prompt_tokens=prompt, completion_tokens=written, total_tokens=prompt + written)


def new_id(kind: str) -> str:
    """`cmpl-…`: of one request."""
    return f"{kind}-{uuid.uuid4().hex}"


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def listed(given: Prompts) -> list[str] | list[list[int]]:
    """Each a text, or token ids."""
    if isinstance(given, str):
        return [given]
    return [given] if isinstance(given[0], int) else given


Model = Field(description="the base's name, or an adapter's")
