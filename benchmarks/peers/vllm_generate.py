"""vLLM on this processor: 8 requests of 8 tasks at the same time, as `prompt_embeds`, 64 new tokens each.

It runs in the environment that `make test-vllm` makes (.venv-vllm); where that is absent, it is skipped.
"""

import asyncio
import base64
import io
import statistics
import tempfile
from pathlib import Path

import httpx
import torch

from benchmarks.client import ask
from benchmarks.common import arguments, load, report, skip
from benchmarks.serving import NEW_TOKENS, requests, task_prompts
from tests.vllm.servers import PYTHON, Server

REPEATS = 3


async def together(url: str, model: str, embeds: list[str]) -> float:
    """Seconds until all answers are complete."""
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=httpx.Limits(max_connections=None)) as client:
        begin = asyncio.get_running_loop().time()
        await asyncio.gather(*(ask(client, model, [], NEW_TOKENS, prompt_embeds=one) for one in embeds))
        return asyncio.get_running_loop().time() - begin


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=8)
    options = parser.parse_args()
    if not PYTHON.exists():
        skip("vLLM is not installed; `make test-vllm` installs it")

    model, tokenizer, device = load(options)
    table = model.get_input_embeddings()
    prompts = task_prompts(table.get_parameter("weight"), tokenizer, options.seed)[: options.rows]
    embeds = []
    with torch.no_grad():
        for prompt, ids in zip(prompts, requests(tokenizer), strict=False):
            row, stream = torch.cat([prompt.to(model.dtype), table(torch.tensor(ids))]), io.BytesIO()
            torch.save(row, stream)
            embeds.append(base64.b64encode(stream.getvalue()).decode())
    dtype = model.dtype
    del model, table
    with tempfile.TemporaryDirectory() as folder:
        server = Server(
            Path(options.base), Path(folder) / "vllm.log", rows=options.rows, threads=torch.get_num_threads()
        )
        try:
            server.wait()
            name = httpx.get(f"{server.url}/v1/models").json()["data"][0]["id"]
            times = [asyncio.run(together(server.url, name, embeds)) for _ in range(REPEATS + 1)]
        finally:
            server.kill()
    report(device, dtype, http_tokens_per_second=len(embeds) * NEW_TOKENS / statistics.median(times[1:]))


if __name__ == "__main__":
    main()
