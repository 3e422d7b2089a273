"""The whole application: layers around the routes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from capotasto.errors import SettingError
from capotasto.serve.keys import Keys
from capotasto.serve.metrics import Metrics
from capotasto.serve.service import Service
from capotasto.serve.web.asgi import App
from capotasto.serve.web.doors import Doors
from capotasto.serve.web.host_guard import HostGuard
from capotasto.serve.web.key_check import KeyCheck
from capotasto.serve.web.log import Logged
from capotasto.serve.web.whole_body import WholeBody
from capotasto.version import __version__

if TYPE_CHECKING:
    from fastapi import FastAPI

FAMILIES = ("models", "completions", "chat", "embeddings", "classify", "tokenize", "adapters", "health")


def application(service: Service, keys: Keys | None) -> tuple[App, Doors]:
    """What a server runs, and its doors. Errors: the packages for it are not installed."""
    settings = service.settings
    _imported("prometheus_client")
    _imported("uvicorn")
    metrics = Metrics(service.engine.state, service.name)
    inner = WholeBody(_routes(service, metrics), settings.max_body_kb * 1024)
    doors = Doors(HostGuard(KeyCheck(inner, keys, settings.private, service.allowance), settings.hosts), service)
    return Logged(doors, settings.log_prompts, metrics), doors


def _routes(service: Service, metrics: Metrics) -> "FastAPI":
    fastapi = _imported("fastapi")
    from capotasto.serve.web import faults, page, routes

    # No pages of documentation: they would load scripts from elsewhere. No redirects: they go where `Host` says.
    app: FastAPI = fastapi.FastAPI(
        title="Capotasto", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    faults.handle_all(app)
    for family in FAMILIES:
        for endpoint in import_module(f"capotasto.serve.endpoints.{family}").ENDPOINTS:
            routes.add(app, service, endpoint)
    routes.add_metrics(app, metrics)
    page.add_page(app)
    return app


def _imported(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise SettingError(f"serving needs the package {name}: pip install 'capotasto[serve]'") from None
