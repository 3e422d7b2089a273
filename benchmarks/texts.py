"""The rows that every side of a text comparison reads: awesome_chatgpt_prompts, cut and batched in one way.

Axes: B rows, T tokens of the longest row.
"""

import csv
import random
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from benchmarks.common import data_file

IGNORED = -100  # the label that transformers' losses leave out
BATCH = 8
Batch = dict[str, torch.Tensor]


def prompts(first: int, last: int) -> list[str]:
    """The column `prompt` of the rows from `first` to before `last`."""
    with data_file("awesome_chatgpt_prompts/prompts.csv").open(newline="", encoding="utf-8") as stream:
        return [row["prompt"] for row in csv.DictReader(stream)][first:last]


def training_rows(tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of the 50 rows that the cookbook recipe trains on, uncut."""
    return tokenizer(prompts(0, 50))["input_ids"]


def held_out_rows(tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    """Token ids of rows 50–109, each cut to 256 tokens."""
    return [ids[:256] for ids in tokenizer(prompts(50, 110))["input_ids"]]


def pad(rows: list[list[int]], labels: list[list[int]], device: torch.device) -> Batch:
    """Rows padded on the right: input_ids, attention_mask, labels, each [B, T]."""
    width = max(map(len, rows))

    def table(lists: list[list[int]], fill: int) -> torch.Tensor:
        return torch.tensor([row + [fill] * (width - len(row)) for row in lists], device=device)

    mask = [[1] * len(row) for row in rows]
    return {"input_ids": table(rows, 0), "attention_mask": table(mask, 0), "labels": table(labels, IGNORED)}


def plain_labels(ids: list[int]) -> list[int]:
    """Every token is supervised but the first, which a bare base cannot predict."""
    return [IGNORED, *ids[1:]]


def sorted_batches(rows: list[list[int]], labels: list[list[int]], device: torch.device) -> list[Batch]:
    """Batches of 8 rows of nearly the same length, so that little is padding."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    groups = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    return [pad([rows[i] for i in group], [labels[i] for i in group], device) for group in groups]


def shuffled(batches: list[Batch], seed: int) -> list[Batch]:
    """The batches in an order of their own for each seed."""
    return random.Random(seed).sample(batches, len(batches))


def supervised(batch: Batch) -> int:
    """How many tokens of a batch the loss is taken on."""
    return int((batch["labels"][:, 1:] != IGNORED).sum())


def real_tokens(batch: Batch) -> int:
    """How many tokens of a batch are not padding."""
    return int(batch["attention_mask"].sum())


@torch.inference_mode()
def mean_loss(model: Any, batches: list[Batch]) -> float:
    """Nats per supervised token: the sum over all of them divided by their number, never a mean of means."""
    nats = sum(model(**batch).loss.item() * supervised(batch) for batch in batches)
    return nats / sum(map(supervised, batches))


def held_out_loss(model: Any, tokenizer: PreTrainedTokenizerBase, device: torch.device) -> float:
    """`mean_loss` over the held-out rows."""
    rows = held_out_rows(tokenizer)
    return mean_loss(model, sorted_batches(rows, [plain_labels(row) for row in rows], device))
