"""The playground: one page and its two files, which ask this server and no other."""

from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

_FILES = {
    "/": ("playground.html", "text/html"),
    "/playground.css": ("playground.css", "text/css"),
    "/playground.js": ("playground.js", "text/javascript"),
}
PATHS = tuple(_FILES)  # open to everybody: they say nothing about the server

# Nothing from elsewhere, nothing inline, in no frame (https://www.w3.org/TR/CSP3/).
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def add_page(app: "FastAPI") -> None:
    """Serve the page."""
    for path, (name, kind) in _FILES.items():
        _add_file(app, path, files("capotasto.serve.playground").joinpath(name).read_bytes(), kind)


def _add_file(app: "FastAPI", path: str, content: bytes, kind: str) -> None:
    from fastapi import Request
    from fastapi.responses import Response

    async def handle(request: Request) -> Any:
        request.scope["state"]["note"].endpoint = path
        return Response(content, media_type=kind, headers=_HEADERS)

    app.add_api_route(path, handle, methods=["GET"], include_in_schema=False)
