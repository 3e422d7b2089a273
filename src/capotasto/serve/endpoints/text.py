"""What completions and chat completions share: the rows of a request, and tokens as texts."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from capotasto.methods.adapter import Adapter
from capotasto.serve.asks import Ask, Piece
from capotasto.serve.schemas.sampling import Sampling
from capotasto.serve.service import Service
from capotasto.types import Encoded


@dataclass(frozen=True, slots=True)
class Known:
    """What every piece of an answer repeats."""

    id: str
    created: int
    model: str

    def as_dict(self) -> dict[str, Any]:
        """For the answer's fields."""
        return asdict(self)


def asks_of(
    body: Sampling,
    prompts: Sequence[Encoded],
    adapter: Adapter | None,
    rooms: Sequence[int],
    seed: int,
    top: int | None,
) -> list[Ask]:
    """n rows for each prompt, each with a seed of its own.

    rooms: new tokens for each prompt
    top:   see `Ask.logprobs`
    """
    schema, pattern = body.rule()
    return [
        Ask(prompt, adapter, body.settings(room, seed + i), body.stops, top, schema, pattern)
        for prompt, room in zip(prompts, rooms, strict=True)
        for i in range(body.n or 1)
    ]


def seed_of(body: Sampling) -> int:
    """The request's seed, or a new one."""
    return secrets.randbits(32) if body.seed is None else body.seed


class TokenTexts:
    """Tokens one by one, as logprobs show them."""

    def __init__(self, service: Service):
        self.text = service.vocabulary.text
        self._ends = service.ends

    def counts(self, piece: Piece) -> bool:
        """True for a piece whose token belongs to the answer: not the end token that closed it."""
        return piece.token is not None and not (piece.finish == "stop" and piece.token in self._ends)
