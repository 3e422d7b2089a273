"""The requests and the tasks' prompts that every server in a comparison gets.

Axes: A tasks, P virtual tokens, H hidden, V vocabulary.
"""

import torch
from transformers import PreTrainedTokenizerBase

from benchmarks.texts import prompts

TASKS = 8
VIRTUAL_TOKENS = 20
NEW_TOKENS = 64
REQUEST_TOKENS = 32
NOISE = 0.1  # standard deviations of the embedding table added to the text's embeddings


def requests(tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """The token ids of 8 requests, of different lengths: held-out rows, cut to 32 tokens less 0, 1, 2 …"""
    rows = tokenizer(prompts(50, 50 + TASKS))["input_ids"]
    return [ids[: REQUEST_TOKENS - i] for i, ids in enumerate(rows)]


def rates(mixed: float, single: float, new_tokens: int) -> dict[str, float]:
    """What is reported of the seconds that requests of all tasks took, and that requests of one task took."""
    tokens = TASKS * new_tokens
    return {
        "mixed_seconds": mixed,
        "mixed_tokens_per_second": tokens / mixed,
        "single_seconds": single,
        "single_tokens_per_second": tokens / single,
    }


@torch.no_grad()
def task_prompts(embeddings: torch.Tensor, tokenizer: PreTrainedTokenizerBase, seed: int) -> torch.Tensor:
    """One prompt a task, [A, P, H] in fp32 on the CPU: the `embeddings` [V, H] of a text of its own and some noise."""
    table = embeddings.float().cpu()
    texts = tokenizer(prompts(0, TASKS))["input_ids"]
    ids = torch.tensor([text[:VIRTUAL_TOKENS] for text in texts])
    noise = torch.randn(TASKS, VIRTUAL_TOKENS, table.shape[1], generator=torch.Generator().manual_seed(seed))
    return table[ids] + NOISE * table.std() * noise
