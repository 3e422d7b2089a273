"""An ask as vLLM's completions API takes it, and what it answers as pieces.

Source: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html, "Completions API", and
https://docs.vllm.ai/en/latest/features/prompt_embeds.html.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from capotasto.base.frozen import FrozenBase
from capotasto.errors import DataError
from capotasto.exporting.prompt_embeds import encoded
from capotasto.serve.asks import Ask, Piece
from capotasto.serve.vllm.adapters import lora_of

_RENAMED = {"max_new_tokens": "max_tokens", "ignore_end": "ignore_eos"}
_FINISHES = ("stop", "length")  # any other end is a fault of the server


def fit(base: FrozenBase, longest: int | None, ask: Ask) -> int:
    """Tokens of its row, virtual ones included.

    longest: the longest row that the servers take, where they have said so
    Errors: vLLM cannot take it, or with its answer it is longer than what fits.
    """
    lora_of(ask.adapter)
    virtual = 0 if ask.adapter is None else ask.adapter.tokens
    tokens, new = len(ask.prompt.ids) + virtual, ask.settings.max_new_tokens
    limits = [limit for limit in (base.context, longest) if limit is not None]
    if not tokens:
        raise DataError("the prompt is empty; write something to be continued")
    if limits and tokens + new > min(limits):
        raise DataError(
            f"the prompt has {tokens - virtual} tokens and {virtual} virtual ones: with {new} new ones it does not fit"
            f" the {min(limits)} that the servers take; shorten it or lower max_new_tokens"
        )
    if virtual and ask.settings.repetition_penalty != 1:
        raise DataError(
            "repetition_penalty counts the words of the prompt, which vLLM does not see beside virtual tokens; leave it"
            " at 1, or write on this machine"
        )
    return tokens


def body_of(base: FrozenBase, ask: Ask, stops: Sequence[int]) -> dict[str, Any]:
    """Everything of the request but the model's name.

    stops: token ids that end an answer
    """
    body: dict[str, Any] = {_RENAMED.get(key, key): value for key, value in ask.settings.model_dump().items()}
    body |= {"stream": True, "return_token_ids": True, "return_tokens_as_token_ids": True, **_prompt(base, ask)}
    if not body.get("ignore_eos"):
        body["stop_token_ids"] = list(stops)
    if ask.stop:
        body["stop"] = list(ask.stop)
    if ask.logprobs is not None:
        body["logprobs"] = ask.logprobs
    if ask.schema is not None:
        body["structured_outputs"] = {"json": ask.schema}
    elif ask.pattern is not None:
        body["structured_outputs"] = {"regex": ask.pattern}
    return body


@torch.no_grad()
def _prompt(base: FrozenBase, ask: Ask) -> dict[str, Any]:
    """Token ids; with virtual tokens, for which ids have no place, the whole row as embeddings [P + T, E]."""
    vectors = None if ask.adapter is None else ask.adapter.of_task(ask.prompt.task).embeds()
    if vectors is None:
        return {"prompt": list(ask.prompt.ids), "add_special_tokens": False}
    return {"prompt_embeds": encoded(row(base, ask.prompt.ids, ask.prompt.slot, vectors))}


@torch.no_grad()
def row(base: FrozenBase, ids: Sequence[int], slot: int, vectors: torch.Tensor | None = None) -> torch.Tensor:
    """[P + T, E]: the embeddings of `ids`, with `vectors` [P, E] before ids[slot]."""
    own = base.embedding(torch.tensor(ids, dtype=torch.long, device=base.device)).cpu()
    return own if vectors is None else torch.cat([own[:slot], vectors.detach().cpu(), own[slot:]])


def pieces_of(choice: dict[str, Any], tops: int) -> list[Piece]:
    """What one streamed chunk says: a piece for each of its tokens, the text with the last of them.

    tops: so many likeliest tokens at each place
    """
    reason, text = choice.get("finish_reason"), choice.get("text") or ""
    finish = reason if reason in _FINISHES else ""
    tokens = choice.get("token_ids") or []
    chances = choice.get("logprobs") or {}
    logprobs = chances.get("token_logprobs") or [None] * len(tokens)
    likeliest = [_likeliest(one or {}, tops) for one in chances.get("top_logprobs") or [{}] * len(tokens)]
    found = [Piece("", *one) for one in zip(tokens, logprobs, likeliest, strict=True)]
    if not found:
        return [Piece(text, finish=finish)] if text or finish else []
    return [*found[:-1], replace(found[-1], text=text, finish=finish)]


def _likeliest(found: dict[str, float], count: int) -> tuple[tuple[int, float], ...]:
    """(token id, logprob), likeliest first, of what vLLM calls `token_id:57`."""
    pairs = [(int(name.removeprefix("token_id:")), value) for name, value in found.items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1])[:count])
