"""/v1/adapters: what is there, and loading and unloading while the server runs."""

from pydantic import BaseModel

from capotasto.serve.endpoints.endpoint import Endpoint
from capotasto.serve.faults import RefusedError
from capotasto.serve.schemas.adapters import (
    AdapterCard,
    Adapters,
    LoadLoraRequest,
    LoadRequest,
    Unloaded,
    UnloadLoraRequest,
)
from capotasto.serve.service import Call, Service


async def all_of_them(service: Service, call: Call, body: None) -> BaseModel:
    """List the adapters that the key may call."""
    return Adapters(data=[_card(service, name) for name in service.names(call.tenant)])


async def load(service: Service, call: Call, body: LoadRequest) -> BaseModel:
    """Load an adapter, in place of an earlier one of its name."""
    return await _load(service, call, body.name, body.source)


async def load_lora(service: Service, call: Call, body: LoadLoraRequest) -> BaseModel:
    """Load an adapter; the same under vLLM's name."""
    return await _load(service, call, body.lora_name, body.lora_path)


async def unload(service: Service, call: Call, body: None) -> BaseModel:
    """Unload an adapter."""
    return _unload(service, call, call.path["name"])


async def unload_lora(service: Service, call: Call, body: UnloadLoraRequest) -> BaseModel:
    """Unload an adapter; the same under vLLM's name."""
    return _unload(service, call, body.lora_name)


async def _load(service: Service, call: Call, name: str, source: str) -> BaseModel:
    """Errors: a name or a source that is not the key's, or an adapter that is not sound."""
    if not call.tenant.may(name):
        raise RefusedError(f"this key's adapters are named otherwise than {name!r}; it may use: {_patterns(call)}", 403)
    if not call.tenant.may(
        service.residents.shelf.bare(source)
    ):  # else one could read another's under a name of one's own
        raise RefusedError(f"this key may not read {source!r}; it may use: {_patterns(call)}", 403)
    await service.residents.load(name, source)
    call.note.model = name
    return _card(service, name)


def _unload(service: Service, call: Call, name: str) -> BaseModel:
    if not call.tenant.may(name) or not service.residents.unload(name):
        raise service.unknown(call.tenant, name)
    call.note.model = name
    return Unloaded(name=name)


def _patterns(call: Call) -> str:
    return ", ".join(call.tenant.patterns)


def _card(service: Service, name: str) -> AdapterCard:
    known = service.residents.at_hand(name)
    if known is None:
        return AdapterCard(name=name, in_memory=False)
    return AdapterCard(
        name=name,
        in_memory=True,
        method=known.adapter.method,
        tokens=known.adapter.tokens,
        labels=list(known.labels),
        bytes=known.bytes,
        loaded=known.loaded,
    )


ENDPOINTS = (
    Endpoint("GET", "/v1/adapters", all_of_them, Adapters),
    Endpoint("POST", "/v1/adapters", load, AdapterCard, LoadRequest, admin=True),
    Endpoint("DELETE", "/v1/adapters/{name}", unload, Unloaded, admin=True),
    Endpoint("POST", "/v1/load_lora_adapter", load_lora, AdapterCard, LoadLoraRequest, admin=True),
    Endpoint("POST", "/v1/unload_lora_adapter", unload_lora, Unloaded, UnloadLoraRequest, admin=True),
)
