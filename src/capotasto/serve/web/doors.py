"""Open, or closing: what runs is finished and nothing new begins."""

import asyncio

from capotasto.serve.faults import RefusedError
from capotasto.serve.service import Service
from capotasto.serve.web.asgi import App, Receive, Scope, Send, refuse

_ALWAYS = ("/health", "/ready", "/metrics")


class Doors:
    """Counts requests that are inside, and refuses new ones once the service is closing."""

    def __init__(self, app: App, service: Service):
        self.app, self.service = app, service
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self.app(scope, receive, send)
            return
        if self.service.closing:
            await refuse(
                send, RefusedError("the server is shutting down; ask again in a moment", 503, "shutting_down", None, 5)
            )
            return
        self.inside += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.inside -= 1

    async def close(self, seconds: float) -> None:
        """Refuse new requests, and wait for so long until those inside are answered."""
        self.service.closing = True
        end = asyncio.get_running_loop().time() + seconds
        while self.inside and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.02)
