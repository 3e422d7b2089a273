"""A server with very many soft prompts: how soon it is there, what it takes, a cold one's first token, a hot load."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import torch

from benchmarks.client import ask, together
from benchmarks.common import arguments, report
from benchmarks.ours.common import load
from benchmarks.ours.server import Running, running
from benchmarks.serving import VIRTUAL_TOKENS, requests
from capotasto.artifact import save_adapter
from capotasto.methods.prompt import PromptAdapter
from capotasto.session import Base

TRIED = 20  # adapters whose first and second request are timed
LOADS = 10


def save_many(base: Base, count: int, folder: Path, seed: int) -> None:
    """So many prompts of random tokens' embeddings."""
    table, random = base.embedding.weight.float(), torch.Generator().manual_seed(seed)
    for number in range(count):
        ids = torch.randint(len(table), (VIRTUAL_TOKENS,), generator=random)
        one = PromptAdapter(table[ids].clone(), name=f"a{number:04d}", fingerprint=base.fingerprint)
        save_adapter(one, folder / one.name, base, {})


def first_token(url: str, model: str, prompt: list[int]) -> float:
    """Seconds until it comes."""
    [heard], _ = asyncio.run(together(url, [{"model": model, "prompt": prompt}], 2))
    return heard.first


async def hot_loads(server: Running, prompt: list[int]) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each load while an answer is written, gaps between its tokens, and gaps while nothing is loaded."""
    async with httpx.AsyncClient(base_url=server.url, timeout=600) as client:
        quiet = await ask(client, server.base, prompt, 64)
        writing = asyncio.create_task(ask(client, server.base, prompt, 256))
        await asyncio.sleep(0.5)
        times = []
        for number in range(LOADS):
            begin = time.perf_counter()
            done = await client.post("/v1/adapters", json={"name": f"hot{number}", "source": "a0000"})
            done.raise_for_status()
            times.append(time.perf_counter() - begin)
            await asyncio.sleep(0.1)
        return times, (await writing).gaps, quiet.gaps


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--adapters", type=int, required=True)
    options = parser.parse_args()

    base = load(options)
    prompt = requests(base.tokenizer)[0][:20]
    with tempfile.TemporaryDirectory() as folder:
        save_many(base, options.adapters, Path(folder), options.seed)
        begin = time.perf_counter()
        with running(options.base, "--adapters-dir", folder) as server:
            start = time.perf_counter() - begin
            asyncio.run(together(server.url, [{"model": server.base, "prompt": prompt}], 8))
            held = server.mib()
            tried = [f"a{number * options.adapters // TRIED:04d}" for number in range(min(TRIED, options.adapters))]
            cold, warm = ([first_token(server.url, name, prompt) for name in tried] for _ in range(2))
            loads, gaps, quiet = asyncio.run(hot_loads(server, prompt))
    report(
        base.device,
        base.dtype,
        start_seconds=start,
        server_mib=held,
        cold_first_token_seconds=statistics.median(cold),
        warm_first_token_seconds=statistics.median(warm),
        cold_by_warm=statistics.median(cold) / statistics.median(warm),
        load_seconds=statistics.median(loads),
        step_seconds=statistics.median(quiet),
        longest_step_while_quiet=max(quiet),
        longest_step_while_loading=max(gaps),
    )


if __name__ == "__main__":
    main()
