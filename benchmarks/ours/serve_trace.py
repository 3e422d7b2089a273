"""Requests that come by chance for 64 adapters, few of them often: how long each waits for its tokens.

The same arrivals (Poisson) and adapters (Zipf) go to each: this package's engine, or a vLLM server behind its API.
"""

import asyncio
import random
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path

import httpx

from benchmarks.client import Heard, ask
from benchmarks.common import arguments, report
from benchmarks.ours.common import load
from benchmarks.ours.serve_many import save_many
from benchmarks.ours.server import running
from benchmarks.serving import requests
from benchmarks.vllm_server import vllm

ADAPTERS = 64


def arrivals(rate: float, seconds: float, seed: int) -> list[tuple[float, str]]:
    """(when, for which adapter): exponential gaps, adapter k as often as 1 / k."""
    chance, when, found = random.Random(seed), 0.0, []
    while (when := when + chance.expovariate(rate)) < seconds:
        which = chance.choices(range(ADAPTERS), [1 / (rank + 1) for rank in range(ADAPTERS)])[0]
        found.append((when, f"a{which:04d}"))
    return found


async def play(url: str, trace: list[tuple[float, str]], prompts: list[list[int]], tokens: int) -> list[Heard]:
    """All answers, each asked for at its time."""

    async def one(client: httpx.AsyncClient, number: int, when: float, name: str) -> Heard:
        await asyncio.sleep(when)
        return await ask(client, name, prompts[number % len(prompts)], tokens)

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:
        return await asyncio.gather(*(one(client, i, when, name) for i, (when, name) in enumerate(trace)))


def quantile(values: list[float], share: float) -> float:
    """By the nearest rank."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--vllm", action="store_true", help="a vLLM server writes, from the folder .venv-vllm")
    options = parser.parse_args()

    base = load(options)
    prompts = [ids[:20] for ids in requests(base.tokenizer)]
    with ExitStack() as at_end:
        backend: tuple[str, ...] = ()
        if options.vllm:
            backend = ("--backend", "vllm", "--vllm-url", at_end.enter_context(vllm(options.base, rows=32)))
        folder = at_end.enter_context(tempfile.TemporaryDirectory())
        save_many(base, ADAPTERS, Path(folder), 0)
        with running(options.base, "--adapters-dir", folder, *backend) as server:
            warm = [(0.0, f"a{number:04d}") for number in range(2)]
            asyncio.run(play(server.url, warm, prompts, 4))
            trace = arrivals(options.rate, options.seconds, options.seed)
            heard = asyncio.run(play(server.url, trace, prompts, options.new_tokens))
    firsts, gaps = [one.first for one in heard], [gap for one in heard for gap in one.gaps]
    last = max(one.times[-1] for one in heard) - min(one.began for one in heard)
    report(
        base.device,
        base.dtype,
        requests=len(heard),
        tokens_per_second=sum(one.tokens for one in heard) / last,
        first_token_median=statistics.median(firsts),
        first_token_p95=quantile(firsts, 0.95),
        token_median=statistics.median(gaps),
        token_p95=quantile(gaps, 0.95),
    )


if __name__ == "__main__":
    main()
