"""Reads a request's body before anything else happens, so that nobody is held up by a slow or endless one."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from capotasto.serve.faults import RefusedError
from capotasto.serve.web.asgi import App, Receive, Scope, Send, header, refuse

_SECONDS = 30.0  # for the whole body


class WholeBody:
    """Refuses bodies of more than `most` bytes without reading them to their end."""

    def __init__(self, app: App, most: int):
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            first: MutableMapping[str, Any] | None = await asyncio.wait_for(self._body(scope, receive), _SECONDS)
        except TimeoutError:
            await refuse(
                send, RefusedError(f"the request did not arrive within {_SECONDS:.0f} seconds; send it faster", 408)
            )
            return
        except RefusedError as refusal:
            await refuse(send, refusal)
            return

        async def again() -> MutableMapping[str, Any]:
            nonlocal first
            found, first = first, None
            return found if found is not None else await receive()

        await self.app(scope, again, send)

    async def _body(self, scope: Scope, receive: Receive) -> MutableMapping[str, Any]:
        """One message with everything in it, or that the client has hung up."""
        told = header(scope, b"content-length") or ""
        if told.isdecimal() and int(told[:20]) > self.most:
            raise self._too_large()
        parts, length, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return message
            parts.append(message.get("body", b""))
            length += len(parts[-1])
            if length > self.most:
                raise self._too_large()
            more = message.get("more_body", False)
        return {"type": "http.request", "body": b"".join(parts), "more_body": False}

    def _too_large(self) -> RefusedError:
        return RefusedError(
            f"the request is larger than {self.most} bytes; send less, or raise --max-body-kb", 413, "too_large"
        )
