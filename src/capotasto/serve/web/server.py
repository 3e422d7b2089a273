"""The application on a port, until it is told to stop."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Any

from capotasto.errors import SettingError
from capotasto.serve.web.asgi import App
from capotasto.serve.web.doors import Doors


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound. Errors: the address is taken, or none of this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(1024)  # who connects before the application is ready waits for it
    except OSError as error:
        found.close()
        raise SettingError(
            f"cannot listen on {host}, port {port} ({error.strerror or error}); choose another --port"
        ) from None
    return found


def server(app: App, doors: Doors, drain_seconds: float, cancel: Callable[[], None]) -> Any:
    """A uvicorn server that drains before it closes its port, so that who comes meanwhile hears why.

    The first SIGTERM or Ctrl-C drains, a second one ends at once.
    cancel: ends what still runs after `drain_seconds`
    """
    import uvicorn

    class Server(uvicorn.Server):
        draining: asyncio.Task[None] | None = None

        def handle_exit(self, sig: int, frame: Any) -> None:
            if self.draining is not None:
                self.should_exit = self.force_exit = True
                return
            loop = asyncio.get_running_loop()
            self.draining = loop.create_task(self._drain())

        async def _drain(self) -> None:
            await doors.close(drain_seconds)
            await asyncio.to_thread(cancel)
            await doors.close(1.0)  # so that those who were cut off hear it
            self.should_exit = True

    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return Server(config)
