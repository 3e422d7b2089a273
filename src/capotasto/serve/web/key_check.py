"""Finds out who asks, and counts their requests."""

from dataclasses import replace

from capotasto.serve.allowance import Allowance
from capotasto.serve.faults import RefusedError
from capotasto.serve.keys import Keys
from capotasto.serve.tenants import Tenant
from capotasto.serve.web.asgi import App, Receive, Scope, Send, header, refuse
from capotasto.serve.web.page import PATHS

_OPEN = ("/health", "/ready", *PATHS)  # they say nothing about anybody
_FORWARDED = (b"forwarded", b"x-forwarded-for")  # a proxy lets others in, whom this machine does not know
NOBODY = Tenant("", ())


class KeyCheck:
    """Without keys everybody is one tenant. admin: whether that one may load and unload adapters."""

    def __init__(self, app: App, keys: Keys | None, admin: bool, allowance: Allowance):
        self.app, self.keys, self.allowance = app, keys, allowance
        self.everybody = Tenant("everybody", admin=admin)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in _OPEN:
            scope.setdefault("state", {})["tenant"] = NOBODY
            await self.app(scope, receive, send)
            return
        try:
            tenant = self._tenant(scope)
            scope["state"]["tenant"], scope["state"]["note"].tenant = tenant, tenant.name
            with self.allowance.request(tenant):
                await self.app(scope, receive, send)
        except RefusedError as refusal:  # from here: what endpoints refuse has been answered already
            await refuse(send, refusal)

    def _tenant(self, scope: Scope) -> Tenant:
        if self.keys is None:
            forwarded = any(header(scope, name) is not None for name in _FORWARDED)
            return replace(self.everybody, admin=self.everybody.admin and not forwarded)
        kind, _, secret = (header(scope, b"authorization") or "").partition(" ")
        found = self.keys.tenant(secret.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise RefusedError("no valid key; send one as `Authorization: Bearer capo_…`", 401, "invalid_api_key")
        return found
