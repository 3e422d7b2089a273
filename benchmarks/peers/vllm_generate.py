"""vLLM on this processor: 8 requests of 8 tasks at the same time, as `prompt_embeds`, 64 new tokens each.

It runs in the environment that `make test-vllm` makes (.venv-vllm); where that is absent, it is skipped.
"""

import asyncio
import base64
import io
import statistics

import httpx
import torch

from benchmarks.client import together
from benchmarks.common import arguments, load, report
from benchmarks.serving import NEW_TOKENS, requests, task_prompts
from benchmarks.vllm_server import vllm

REPEATS = 3


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, default=8)
    options = parser.parse_args()

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
    with vllm(options.base, options.rows) as url:
        name = httpx.get(f"{url}/v1/models").json()["data"][0]["id"]
        asks = [{"model": name, "prompt": [], "prompt_embeds": one} for one in embeds]
        times = [asyncio.run(together(url, asks, NEW_TOKENS))[1] for _ in range(REPEATS + 1)]
    report(device, dtype, http_tokens_per_second=len(embeds) * NEW_TOKENS / statistics.median(times[1:]))


if __name__ == "__main__":
    main()
