"""A response of server-sent events. Whatever happens to it, the stream is told when it is over."""

import json
from functools import cache
from typing import TYPE_CHECKING

from capotasto.serve.endpoints.endpoint import Events
from capotasto.serve.web.asgi import GoneError, Receive, Scope, Send, unless_gone

if TYPE_CHECKING:
    from fastapi import Response

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


def response(events: Events) -> "Response":
    """What an endpoint returns to the framework."""
    return _kind()(events)


@cache
def _kind() -> "type[Response]":
    """The class, made when the framework is there."""
    from fastapi import Response

    class EventStream(Response):
        def __init__(self, events: Events):
            super().__init__()
            self.events = events

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await unless_gone(receive, _send_all(self.events, scope, send))
            except GoneError:
                pass
            finally:
                self.events.close()

    return EventStream


async def _send_all(events: Events, scope: Scope, send: Send) -> None:
    """Event by event. An error in the midst of a stream is its last event."""
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    try:
        async for line in events.lines:
            await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    except Exception as error:
        told = scope["state"]["note"].failed(error)
        line = f"data: {json.dumps(told.as_dict())}\n\n"
        await send({"type": "http.response.body", "body": line.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
