"""Everything that can go wrong with a request, in OpenAI's envelope."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from capotasto.errors import UserError
from capotasto.serve.faults import RefusedError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

_KINDS = ("str", "int", "float", "bool", "list", "dict")  # pydantic puts the branches of a union into the place


def handle_all(app: "FastAPI") -> None:
    """Let the application answer every error so."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    app.add_exception_handler(UserError, _refused)
    app.add_exception_handler(RequestValidationError, _wrong_body)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _refused)


def _answer(request: "Request", error: Exception) -> "JSONResponse":
    from fastapi.responses import JSONResponse

    told = request.scope["state"]["note"].failed(error)
    return JSONResponse(told.as_dict(), told.status, told.headers)


async def _refused(request: "Request", error: Exception) -> "JSONResponse":
    return _answer(request, error)


async def _of_http(request: "Request", error: Exception) -> "JSONResponse":
    status, path = int(getattr(error, "status_code", 500)), request.scope["path"][:200]
    texts = {
        404: f"no endpoint {path}; GET /openapi.json lists all",
        405: f"{path} does not take {request.method}; GET /openapi.json lists what it takes",
    }
    text = texts.get(status, str(getattr(error, "detail", "")) or "the request cannot be read")
    return _answer(request, RefusedError(text, status, {404: "unknown_endpoint", 405: "wrong_method"}.get(status)))


async def _wrong_body(request: "Request", error: Exception) -> "JSONResponse":
    faults = error.errors()  # type: ignore[attr-defined]
    name, text = _first(faults)
    return _answer(request, RefusedError(f"{name}: {text}" if name else text, 400, "invalid_value", name or None))


def _first(faults: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """(the field, what is wrong with it) of the first fault; with a choice of types, of all of them."""
    first = faults[0]
    if first["type"] == "json_invalid":
        return "", f"the body is no JSON ({first.get('ctx', {}).get('error', 'unreadable')})"
    name = _name(first["loc"])
    mine = [fault for fault in faults if fault["loc"][:2] == first["loc"][:2]]
    texts = dict.fromkeys(_lower(str(fault["msg"])) for fault in mine)
    if len(first["loc"]) == 1 and first["type"] != "value_error":
        return "", "the body must be a JSON object, sent with Content-Type: application/json"
    return name, " or ".join(texts)


def _name(place: Sequence[str | int]) -> str:
    """`messages.0.content`, without the branches of a union."""
    parts = [str(part) for part in place[1:]]
    return ".".join(
        part
        for part in parts
        if not part.startswith((*(f"{kind}[" for kind in _KINDS), "constrained", "function")) and part not in _KINDS
    )


def _lower(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
