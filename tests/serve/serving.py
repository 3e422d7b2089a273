"""A server with a tiny base on a free port, and a client that hides nothing."""

import asyncio
import http.client
import io
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capotasto.serve.engine import LocalEngine
from capotasto.serve.engine_settings import EngineSettings
from capotasto.serve.indices import Indices
from capotasto.serve.keys import Keys
from capotasto.serve.service import Service
from capotasto.serve.settings import ServeSettings
from capotasto.serve.web.app import application
from capotasto.serve.web.doors import Doors
from capotasto.serve.web.server import listen, server
from capotasto.session import Base


@dataclass
class Heard:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def message(self) -> str:
        """The error's line; it must be one, in the envelope."""
        error = self.json["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert "\n" not in error["message"]
        assert error["message"]
        return error["message"]

    @property
    def events(self) -> list[Any]:
        """What a stream brought; it must end as it should."""
        lines = self.content.decode().split("\n\n")
        assert lines[-2:] == ["data: [DONE]", ""]
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


@dataclass
class Served:
    service: Service
    app: Any
    doors: Doors
    port: int
    log: io.StringIO = field(default_factory=io.StringIO)
    terminate: Callable[[], Any] = print  # what SIGTERM does; known once it runs

    def ask(self, verb: str, path: str, body: Any = None, key: str | None = None, **headers: str) -> Heard:
        connection = self.connection(verb, path, body, key, **headers)
        answer = connection.getresponse()
        heard = Heard(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return heard

    def connection(
        self, verb: str, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> http.client.HTTPConnection:
        """A request that was sent and not read yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **headers}
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        connection.request(verb, path, content, sent)
        return connection

    def post(self, path: str, **body: Any) -> Heard:
        return self.ask("POST", path, {"model": self.service.name, **body})

    def settle(self) -> None:
        """Wait until no request is inside and nothing is counted as running."""
        deadline = time.monotonic() + 10
        allowance = self.service.allowance
        while self.doors.inside or allowance.tokens.total() or allowance.requests.total():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def get(self, path: str) -> Heard:
        return self.ask("GET", path)


@contextmanager
def served(
    base: Base,
    adapters: dict[str, Path] | None = None,
    keys: Path | None = None,
    engine: Any = None,
    indices: dict[str, str] | None = None,
    **settings: Any,
) -> Iterator[Served]:
    """A running server over `base`, with these adapters loaded by name."""
    made = ServeSettings.build({**settings, "keys": keys}, "the test")
    engine = engine or LocalEngine(base, EngineSettings())
    service = Service(base, engine, made, Indices(indices or {}))
    app, doors = application(service, Keys(keys) if keys else None)
    place = listen("127.0.0.1", 0)
    running = server(app, doors, made.drain_seconds, lambda: engine.close(0.0))
    found = Served(service, app, doors, place.getsockname()[1])

    async def run() -> None:
        loop = asyncio.get_running_loop()
        found.terminate = lambda: loop.call_soon_threadsafe(running.handle_exit, signal.SIGTERM, None)
        await running.serve([place])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    app.stream = found.log
    for name, folder in (adapters or {}).items():
        asyncio.run(service.residents.load(name, folder))
    thread.start()
    try:
        yield found
    finally:
        running.should_exit = True
        thread.join(20)
        engine.close(1.0)
        service.close()
        assert not thread.is_alive()
