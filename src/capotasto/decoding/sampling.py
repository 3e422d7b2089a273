"""Which token comes next, for rows that each have settings of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from capotasto.base.reason import reason
from capotasto.decoding.row import Row

_LIKELY = 1024  # a nucleus is looked for among so many tokens before all are sorted


@dataclass(frozen=True, slots=True)
class Choice:
    """A row's next token.

    logprob: its own by the model's logits as they are, before penalties, constraint and temperature; None if not asked
    top:     (token id, logprob), likeliest first
    error:   one line, where no token could be chosen
    """

    token: int = -1
    logprob: float | None = None
    top: tuple[tuple[int, float], ...] = ()
    error: str = ""


def choose(rows: Sequence[Row], logits: Tensor) -> list[Choice]:
    """[B, V] logits of B rows → what each goes on with. A fault in one row is its own."""
    best, likeliest = logits.max(-1)  # NaN comes through
    sound = torch.isfinite(best).tolist()
    choices = []
    for row, line, token, finite in zip(rows, logits, likeliest.tolist(), sound, strict=True):
        try:
            choices.append(_choice(row, line, token) if finite else Choice(error=_not_finite(row)))
        except Exception as error:
            choices.append(Choice(error=f"its next token cannot be chosen: {reason(error)}"))
    return choices


def _choice(row: Row, logits: Tensor, likeliest: int) -> Choice:
    """likeliest: the greatest of the [V] logits as they are."""
    if row.bends:
        bent = _bent(row, logits)
        token = _draw(row, bent) if row.settings.temperature else int(bent.argmax())
    else:
        token = _draw(row, logits) if row.settings.temperature else likeliest
    if row.logprobs is None:
        return Choice(token)
    chances = logits.log_softmax(-1)
    top = chances.topk(min(row.logprobs, len(chances)))
    return Choice(token, float(chances[token]), tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True)))


def _not_finite(row: Row) -> str:
    who = f"adapter {row.adapter.name!r}" if row.adapter is not None else "the base"
    return f"{who} gives logits that are not finite; nothing can be chosen from them"


def _bent(row: Row, logits: Tensor) -> Tensor:
    """[V] logits after penalties and constraint.

    Tokens that stand in the row lose by a factor (CTRL, https://arxiv.org/abs/1909.05858 section 4.1); those written
    lose by terms (https://platform.openai.com/docs/api-reference/chat/create, presence and frequency penalty).
    """
    s, logits = row.settings, logits.clone()
    if s.repetition_penalty != 1:
        seen = row.seen(logits.device)
        old = logits[seen]
        logits[seen] = torch.where(old > 0, old / s.repetition_penalty, old * s.repetition_penalty)
    if row.tokens and (s.presence_penalty or s.frequency_penalty):
        ids, counts = row.written(logits.device)
        logits[ids] -= s.presence_penalty + s.frequency_penalty * counts
    if row.constraint is not None:
        logits.masked_fill_(~row.constraint.allowed().to(logits.device), -torch.inf)
    return logits


def _draw(row: Row, logits: Tensor) -> int:
    """[V] logits → one token id, by the row's next random number."""
    s, ids = row.settings, None
    logits = logits / s.temperature
    if s.top_k:
        logits, ids = logits.topk(min(s.top_k, len(logits)))
    chances = logits.softmax(-1)
    if s.top_p < 1:
        chances, order = _nucleus(chances, s.top_p)
        ids = order if ids is None else ids[order]
    sums = chances.double().cumsum(-1)
    place = torch.searchsorted(sums, row.chance() * sums[-1], right=True).clamp_max(len(sums) - 1)
    return int(place if ids is None else ids[place])


def _nucleus(chances: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """The likeliest tokens that hold the probability `top_p`, and their places.

    Source: https://arxiv.org/abs/1904.09751 section 3.1.
    """
    ordered, order = chances.topk(min(_LIKELY, len(chances)))
    if float(ordered.sum()) < top_p:
        ordered, order = chances.sort(descending=True)
    kept = int((ordered.cumsum(-1) - ordered < top_p).sum())
    return ordered[:kept], order[:kept]
