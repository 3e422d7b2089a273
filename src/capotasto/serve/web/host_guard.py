"""Keeps web pages from talking to a server on the reader's own machine.

A page may send requests to 127.0.0.1, and by DNS rebinding (a name of its own that suddenly means 127.0.0.1) it could
also read the answers. Its browser then names the page's host in `Host` and its site in `Origin` and `Sec-Fetch-Site`,
and scripts cannot change these (https://fetch.spec.whatwg.org/#forbidden-request-header). So a server that only its own
machine reaches answers only to its own names.
"""

import re
from urllib.parse import urlsplit

from capotasto.serve.faults import RefusedError
from capotasto.serve.web.asgi import App, Receive, Scope, Send, header, refuse

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")


class HostGuard:
    """Refuses requests that name another host. hosts: the names of this server; None lets every request pass."""

    def __init__(self, app: App, hosts: frozenset[str] | None):
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and self.hosts is not None and (found := self._fault(scope, self.hosts)):
            await refuse(send, RefusedError(found, 403, "forbidden_host"))
            return
        await self.app(scope, receive, send)

    def _fault(self, scope: Scope, hosts: frozenset[str]) -> str:
        """What is wrong with the request; empty if nothing is."""
        names = [value for key, value in scope["headers"] if key == b"host"]
        found = _HOST.fullmatch(names[0].decode("latin-1").lower()) if len(names) == 1 else None
        if found is None or found[1].strip("[]") not in hosts:
            return (
                "this server has not the name in the Host header; ask it by its own, or name that with --allowed-hosts"
            )
        origin = header(scope, b"origin")
        if origin is not None and _name_of(origin) not in hosts:
            return "web pages of other sites may not use this server; name theirs with --allowed-hosts if they should"
        if origin is None and header(scope, b"sec-fetch-site") == "cross-site":
            return "web pages of other sites may not use this server"
        return ""


def _name_of(url: str) -> str | None:
    """The host's name without its port, in lower case."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
