"""A client of servers that stream completions: when each token came."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class Heard:
    """One answer. began: when it was asked for; times: when each piece came, in seconds of one clock."""

    began: float
    times: list[float] = field(default_factory=list)
    tokens: int = 0

    @property
    def first(self) -> float:
        """Seconds to the first token."""
        return self.times[0] - self.began

    @property
    def gaps(self) -> list[float]:
        """Seconds between pieces."""
        return [later - sooner for sooner, later in zip(self.times, self.times[1:], strict=False)]


async def ask(client: httpx.AsyncClient, model: str, prompt: Sequence[int], tokens: int, **more: Any) -> Heard:
    """A greedy completion of exactly so many tokens."""
    body = {
        "model": model,
        "prompt": list(prompt),
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
        **more,
    }
    heard = Heard(time.perf_counter())
    async with client.stream("POST", "/v1/completions", json=body) as response:
        if response.status_code != 200:
            raise RuntimeError((await response.aread()).decode())
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            event = json.loads(line[6:])
            if event["choices"]:
                heard.times.append(time.perf_counter())
            heard.tokens = (event.get("usage") or {}).get("completion_tokens", heard.tokens)
    return heard


async def together(url: str, asks: Sequence[dict[str, Any]], tokens: int) -> tuple[list[Heard], float]:
    """All at the same time; the answers, and seconds until the last was complete. asks: what `ask` takes, by name."""
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=httpx.Limits(max_connections=None)) as client:
        begin = time.perf_counter()
        heard = await asyncio.gather(*(ask(client, tokens=tokens, **one) for one in asks))
        return heard, time.perf_counter() - begin
