"""How much each tenant has going on, so that none takes all."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from capotasto.serve.faults import RefusedError
from capotasto.serve.settings import ServeSettings
from capotasto.serve.tenants import Tenant


class Allowance:
    """Requests and tokens of each tenant that are not finished. Used in the server's own thread only."""

    def __init__(self, settings: ServeSettings):
        self.settings = settings
        self.requests: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()

    @contextmanager
    def request(self, tenant: Tenant) -> Iterator[None]:
        """One request, from its first byte to its last. Errors: too many of them."""
        if self.requests[tenant.name] >= self.settings.max_requests:
            raise _too_many(f"{self.requests[tenant.name]} requests of this key are running, and it may have no more")
        self.requests[tenant.name] += 1
        try:
            yield
        finally:
            self.requests[tenant.name] -= 1

    def take(self, tenant: Tenant, tokens: int) -> None:
        """So many tokens are asked for. Errors: too many of them."""
        most = self.settings.max_queued_tokens
        if tokens > most:
            raise RefusedError(f"the request asks for {tokens} tokens, and a key may ask for {most}; ask for fewer")
        if self.tokens[tenant.name] + tokens > most:
            raise _too_many(
                f"{self.tokens[tenant.name]} tokens of this key are asked for, and {tokens} more are beyond {most}"
            )
        self.tokens[tenant.name] += tokens

    def give_back(self, tenant: Tenant, tokens: int) -> None:
        """So many tokens are written, or no more wanted."""
        self.tokens[tenant.name] -= tokens


def _too_many(what: str) -> RefusedError:
    return RefusedError(f"{what}; ask again in a moment", 429, "rate_limit_exceeded", retry_after=1)
