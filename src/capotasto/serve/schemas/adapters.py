"""/v1/adapters, and vLLM's two endpoints for the same."""

from typing import Literal

from pydantic import Field

from capotasto.serve.schemas.common import Answer, Request

_PATH = 1024  # characters


class LoadRequest(Request):
    """An adapter, and the name it is to be served under."""

    name: str = Field(max_length=64)
    source: str = Field(
        min_length=1, max_length=_PATH, description="a folder in --adapters-dir, or NAME@VERSION or NAME:TAG of --store"
    )


class LoadLoraRequest(Request):
    """The same as vLLM names it; it may be an adapter of any kind."""

    lora_name: str = Field(max_length=64)
    lora_path: str = Field(min_length=1, max_length=_PATH)


class UnloadLoraRequest(Request):
    """The adapter that is to go."""

    lora_name: str = Field(max_length=200)


class AdapterCard(Answer):
    """What is known of an adapter. Of one that is not in memory only its name: no file is opened to tell more.

    tokens: virtual ones
    loaded: seconds since 1970
    """

    name: str
    in_memory: bool
    method: str | None = None
    tokens: int | None = None
    labels: list[str] | None = None
    bytes: int | None = None
    loaded: int | None = None


class Adapters(Answer):
    """All that the key may call."""

    object: Literal["list"] = "list"
    data: list[AdapterCard]


class Unloaded(Answer):
    """The adapter is gone; requests that had begun with it end with it."""

    name: str
    unloaded: Literal[True] = True
