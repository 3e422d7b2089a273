"""/v1/models."""

from pydantic import BaseModel

from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.schemas.common import now
from capotasto.serve.schemas.models import Card, Cards
from capotasto.serve.service import Call, Service

_STARTED = now()


async def all_of_them(service: Service, call: Call, body: None) -> BaseModel:
    """The base, and the adapters that the key may call."""
    context = service.base.context
    return Cards(data=[_card(service, name, context) for name in (service.name, *service.names(call.tenant))])


async def one(service: Service, call: Call, body: None) -> BaseModel:
    """One of them."""
    name = call.path["model"]
    if name != service.name and name not in service.names(call.tenant):
        raise service.unknown(call.tenant, name)
    return _card(service, name, service.base.context)


def _card(service: Service, name: str, context: int | None) -> Card:
    known = service.residents.at_hand(name)
    return Card(
        id=name,
        created=_STARTED if known is None else known.loaded,
        root=service.name,
        parent=None if name == service.name else service.name,
        max_model_len=context,
    )


ENDPOINTS = (
    Endpoint("GET", "/v1/models", all_of_them, Cards),
    Endpoint("GET", "/v1/models/{model}", one, Card),
)
