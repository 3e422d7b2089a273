"""The indices of a server, by name. One search after another: an embedder's tokenizer is not thread-safe."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from capotasto.errors import nearest
from capotasto.retrieve.index import Index
from capotasto.retrieve.records import Found
from capotasto.serve.faults import RefusedError
from capotasto.serve.tenants import Tenant


class Indices:
    """All are opened and searched once when it is made, so that one that cannot be used is known at once."""

    def __init__(self, addresses: Mapping[str, str]):
        """addresses: name → folder or URL"""
        self._open = {name: Index.open(address) for name, address in addresses.items()}
        self._searcher = ThreadPoolExecutor(1, "searcher")
        for index in self._open.values():
            index.search("ready", 1)

    async def search(self, tenant: Tenant, name: str, query: str, k: int, how: str) -> list[Found]:
        """See `Index.search`. Errors: no such index, or one that is not theirs: their key's patterns fit names of
        indices as they fit those of adapters."""
        if name not in self._open or not tenant.may(name):
            raise RefusedError(f"no index {name!r}; {self._known(tenant, name)}", 404, "index_not_found", "index")
        search = partial(self._open[name].search, query, k, how)
        return await asyncio.get_running_loop().run_in_executor(self._searcher, search)

    def close(self) -> None:
        """No more searches."""
        self._searcher.shutdown(wait=False, cancel_futures=True)

    def _known(self, tenant: Tenant, name: str) -> str:
        theirs: Iterable[str] = tenant.seen(self._open)
        return nearest(name, theirs) if self._open else "this server has none: start it with --index NAME=DIR"
