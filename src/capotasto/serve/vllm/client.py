"""HTTP to one vLLM server, and what its failures mean."""

import json
import os
from collections.abc import AsyncGenerator
from contextlib import contextmanager
from typing import Any

from capotasto.errors import SettingError, UserError
from capotasto.serve.vllm.settings import VllmSettings


class GoneError(Exception):
    """The server does not answer, or is not the one it was: another may."""


class FailedError(GoneError):
    """The server answers, and failed at this one request: another may carry it out. It is not gone."""


class RefusedError(UserError):
    """The server answers and will not do it; another would not either. status: HTTP's, 0 where it is our own word."""

    def __init__(self, message: str, status: int = 0):
        super().__init__(message)
        self.status = status


class Client:
    """Requests to the server at `url`. Every method raises GoneError or RefusedError where it gets no good answer.

    The key in the environment variable VLLM_API_KEY, which vLLM's servers read too, goes with each request. Proxies
    that the environment names are not used: prompts go to the servers that were named, by no other way.
    """

    def __init__(self, url: str, settings: VllmSettings):
        try:
            import httpx
        except ImportError:
            raise SettingError("vLLM is asked through httpx; install it: pip install 'capotasto[vllm]'") from None
        self.url, self._transport_error = url.rstrip("/"), httpx.TransportError
        key = os.environ.get("VLLM_API_KEY")
        self._timeout = httpx.Timeout(settings.silent_seconds, connect=settings.connect_seconds, pool=None)
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=self._timeout,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
        )

    async def get(self, path: str, seconds: float | None = None) -> Any:
        """The JSON document at `path`, or what else stands there as text; within `seconds` if they are given."""
        with self._honest():
            return self._read(await self._http.get(path, timeout=self._timeout if seconds is None else seconds))

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """What the server answers to `body`."""
        with self._honest():
            return self._read(await self._http.post(path, json=body))

    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any]]:
        """Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) up to `[DONE]`."""
        with self._honest():
            async with self._http.stream("POST", path, json=body) as response:
                if response.status_code != 200:
                    await response.aread()
                    self._read(response)
                async for line in response.aiter_lines():
                    if line == "data: [DONE]":
                        return
                    if line.startswith("data: "):
                        event = json.loads(line.removeprefix("data: "))
                        if "error" in event:
                            self._blame(int(event["error"].get("code") or 500), event)
                        yield event
        raise GoneError(f"{self.url} closed the connection in the middle of an answer")

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    @contextmanager
    def _honest(self) -> Any:
        """Whatever breaks on the way is one thing: the server is gone."""
        try:
            yield
        except (self._transport_error, OSError, json.JSONDecodeError) as error:
            raise GoneError(f"{self.url} does not answer ({type(error).__name__})") from error

    def _read(self, response: Any) -> Any:
        try:
            found = response.json()
        except ValueError:
            found = response.text
        if response.status_code != 200:
            self._blame(response.status_code, found)
        return found

    def _blame(self, status: int, found: Any) -> None:
        said = found.get("error", found) if isinstance(found, dict) else found
        said = said.get("message") or said.get("detail") or said if isinstance(said, dict) else said
        words = f"{status}: {' '.join(str(said).split())[:300]}"
        if status >= 500:
            raise FailedError(f"{self.url} failed ({words})")
        raise RefusedError(f"{self.url} refused it ({words})", status)
