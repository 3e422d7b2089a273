"""Several vLLM servers of one base: which is asked next, and which are well."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress

from capotasto.base.frozen import FrozenBase
from capotasto.errors import BaseError, SettingError
from capotasto.serve.vllm.client import GoneError, RefusedError
from capotasto.serve.vllm.replica import Replica
from capotasto.serve.vllm.settings import VllmSettings


class Replicas:
    """Servers by their addresses. Errors: none, or one that is no address."""

    def __init__(self, urls: Sequence[str], base: FrozenBase, settings: VllmSettings):
        if not urls:
            raise SettingError("no vLLM server; give its address, such as http://127.0.0.1:8000")
        if wrong := [url for url in urls if not url.startswith(("http://", "https://"))]:
            raise SettingError(f"{wrong[0]!r} is no address of a server; write it with http:// or https://")
        self.all = [Replica(url, base, settings) for url in dict.fromkeys(urls)]
        self._seconds = settings.check_seconds
        self._watches: list[asyncio.Task[None]] = []

    @property
    def context(self) -> int | None:
        """The longest row that all servers take, as far as they have said."""
        return min((one.context for one in self.all if one.context is not None), default=None)

    def next(self, tried: Collection[Replica]) -> Replica | None:
        """The least busy of those that are well, then one that seemed gone; none that was tried already."""
        left = [one for one in self.all if one not in tried]
        return min(left, key=lambda one: (not one.well, one.running), default=None)

    async def meet(self) -> None:
        """See all for the first time, and again and again from then on.

        Errors: none is there, or one serves something else than the base.
        """
        found = await asyncio.gather(*(one.look() for one in self.all), return_exceptions=True)
        for error in found:
            if isinstance(error, BaseException) and not isinstance(error, GoneError):
                raise error
        if not any(one.well for one in self.all):
            raise BaseError(f"no vLLM server is there: {found[0]}; start one with --enable-prompt-embeds")
        self._watches = [asyncio.create_task(self._watch(one)) for one in self.all]

    async def _watch(self, replica: Replica) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            with suppress(GoneError, RefusedError):
                await replica.look()

    async def close(self) -> None:
        """Look no more, and let go of all connections."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        for one in self.all:
            await one.close()
