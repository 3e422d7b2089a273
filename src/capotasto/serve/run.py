"""A server from its settings to its end."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

from capotasto.serve.asks import Engine
from capotasto.serve.indices import Indices
from capotasto.serve.keys import Keys
from capotasto.serve.service import Service
from capotasto.serve.settings import ServeSettings
from capotasto.serve.web.app import application
from capotasto.serve.web.server import listen, server
from capotasto.session import Base


def serve(
    base: Base,
    adapters: Mapping[str, Path],
    settings: ServeSettings,
    start: Callable[[], Engine],
    ready: Callable[[str, str], None],
    indices: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Serve until SIGTERM or Ctrl-C; then finish what runs, for `drain_seconds` at most.

    start:    makes the engine that writes
    adapters: name → folder; they are read and checked before the first request
    ready:    told the address and the bare base's name
    indices:  name → folder or URL; they are opened and tried before the first request
    Errors: an unsound adapter, an index that cannot be searched, keys that cannot be read, an address that is taken,
    packages that are missing.
    """
    keys = None if settings.keys is None else Keys(settings.keys)
    with ExitStack() as at_end:
        place = listen(settings.host, settings.port)
        at_end.callback(place.close)
        engine = start()
        at_end.callback(engine.close, 0.0)
        service = Service(base, engine, settings, Indices(indices))
        at_end.callback(service.close)
        app, doors = application(service, keys)
        for name, folder in adapters.items():
            asyncio.run(service.residents.load(name, folder))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        ready(f"http://{host}:{place.getsockname()[1]}", service.name)
        asyncio.run(server(app, doors, settings.drain_seconds, lambda: engine.close(0.0)).serve([place]))
