"""One JSON line for each request, on stderr; what was asked and answered is not in it unless the server is told so."""

import json
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any, TextIO

from capotasto.serve.metrics import Metrics
from capotasto.serve.service import Note
from capotasto.serve.web.asgi import App, Receive, Scope, Send

_LONGEST = 200  # characters of a path


class Logged:
    """Also counts it."""

    def __init__(
        self,
        app: App,
        texts: bool,
        metrics: Metrics,
        stream: TextIO | None = None,
    ):
        self.app, self.texts, self.metrics, self.stream = app, texts, metrics, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        note, begin, number = Note(), time.monotonic(), uuid.uuid4().hex
        scope["state"] = {**scope.get("state", {}), "note": note}
        status = 499  # nobody was there any more, as nginx counts it

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", number.encode())]
            await send(message)

        try:
            await self.app(scope, receive, sending)
        finally:
            seconds = time.monotonic() - begin
            first = None if note.first_token is None else note.first_token - begin
            self.metrics.seen(note, status, seconds, first)
            self._write(_line(scope, note, number, status, seconds, first, self.texts))

    def _write(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self.stream or sys.stderr, flush=True)


def _line(
    scope: Scope, note: Note, number: str, status: int, seconds: float, first: float | None, texts: bool
) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request": number,
        "client": (scope.get("client") or ("",))[0],
        "tenant": note.tenant,
        "method": scope["method"],
        "path": scope["path"][:_LONGEST],
        "status": status,
        "model": note.model,
        "rows": note.rows,
        "prompt_tokens": note.prompt_tokens,
        "completion_tokens": note.completion_tokens,
        "seconds": round(seconds, 4),
        "first_token_seconds": None if first is None else round(first, 4),
        **({"code": note.code, "param": note.param} if note.code else {}),
        **({"error": note.error} if note.error and texts else {}),
        **({"texts": note.texts} if texts else {}),
    }
