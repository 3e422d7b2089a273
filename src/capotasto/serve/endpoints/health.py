"""/health and /ready, for whoever watches over the server."""

from pydantic import BaseModel

from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.health import Health
from capotasto.serve.service import Call, Service


async def health(service: Service, call: Call, body: None) -> BaseModel:
    """Say whether the server lives."""
    if not service.engine.state().alive:
        raise RefusedError("the engine has stopped; start the server again", 503, "engine_stopped")
    return Health()


async def ready(service: Service, call: Call, body: None) -> BaseModel:
    """Say whether the server takes requests."""
    if service.closing:
        raise RefusedError("the server is shutting down", 503, "shutting_down", retry_after=5)
    return await health(service, call, body)


ENDPOINTS = (Endpoint("GET", "/health", health, Health), Endpoint("GET", "/ready", ready, Health))
