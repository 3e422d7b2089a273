"""An endpoint, without any web framework: what comes in and what goes out."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from capotasto.serve.service import Call, Service


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of server-sent events. close: told at its end, or when nobody listens any more."""

    lines: AsyncIterator[str]
    close: Callable[[], None]


Reply = BaseModel | Events
Handler = Callable[[Service, Call, Any], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A row of the table.

    body:    of the request; None where there is none
    answer:  of a request that went well
    streams: it may answer with `Events`
    admin:   only for keys that may load and unload
    """

    verb: str
    path: str
    run: Handler
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    streams: bool = False
    admin: bool = False


def event(content: BaseModel) -> str:
    """One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    return f"data: {content.model_dump_json()}\n\n"


DONE = "data: [DONE]\n\n"
