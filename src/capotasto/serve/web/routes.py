"""The table of endpoints as routes of FastAPI."""

import re
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from capotasto.serve.endpoints.endpoint import Endpoint, Events
from capotasto.serve.faults import RefusedError
from capotasto.serve.metrics import Metrics
from capotasto.serve.schemas.common import Envelope
from capotasto.serve.service import Call, Service
from capotasto.serve.tenants import Tenant
from capotasto.serve.web import event_stream
from capotasto.serve.web.asgi import GoneError, unless_gone

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Envelope, "description": "refused"},
    "5XX": {"model": Envelope, "description": "not now, or a fault of the server"},
}


def add(app: "FastAPI", service: Service, endpoint: Endpoint) -> None:
    """Serve an endpoint."""
    from fastapi.responses import JSONResponse, Response

    async def handle(request: "Request", body: Any = None, **path: str) -> Any:
        state = request.scope["state"]
        call = Call(state["tenant"], state["note"], path)
        call.note.endpoint = endpoint.path
        if endpoint.admin:
            _check_admin(call.tenant)
        try:
            found = await unless_gone(request.receive, endpoint.run(service, call, body))
        except GoneError:
            return Response(status_code=499)
        return (
            event_stream.response(found) if isinstance(found, Events) else JSONResponse(found.model_dump(mode="json"))
        )

    handle.__signature__ = _signature(endpoint)  # type: ignore[attr-defined]
    app.add_api_route(
        endpoint.path.replace("{model}", "{model:path}"),
        handle,
        methods=[endpoint.verb],
        response_model=endpoint.answer,
        summary=(endpoint.run.__doc__ or "").strip().splitlines()[0],
        operation_id=re.sub(r"\W+", "_", f"{endpoint.verb.lower()}{endpoint.path}").strip("_"),
        responses={200: {"content": {"text/event-stream": {}}}, **_ERRORS} if endpoint.streams else _ERRORS,
    )


def add_metrics(app: "FastAPI", metrics: Metrics) -> None:
    """Serve the metrics, to admins alone: they name tenants and adapters."""
    from fastapi import Request
    from fastapi.responses import PlainTextResponse

    async def handle(request: Request) -> Any:
        request.scope["state"]["note"].endpoint = "/metrics"
        _check_admin(request.scope["state"]["tenant"])
        return PlainTextResponse(metrics.text(), media_type="text/plain; version=0.0.4")

    app.add_api_route("/metrics", handle, response_class=PlainTextResponse, responses=_ERRORS, summary="Metrics")


def _check_admin(tenant: Tenant) -> None:
    if not tenant.admin:
        raise RefusedError("this key may not do that; ask with one that was made with --admin", 403, "not_admin")


def _signature(endpoint: Endpoint) -> Signature:
    """What FastAPI reads and documents: the body, and the names in the path."""
    from fastapi import Request

    kinds: dict[str, Any] = {"request": Request}
    if endpoint.body is not None:
        kinds["body"] = endpoint.body
    kinds |= dict.fromkeys(re.findall(r"{(\w+)}", endpoint.path), str)
    return Signature([Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in kinds.items()])
