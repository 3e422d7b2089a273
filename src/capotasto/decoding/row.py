"""A row that is being written: what was asked, and what stands there so far."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from capotasto.decoding.settings import GenerateSettings
from capotasto.methods.adapter import Adapter
from capotasto.types import Encoded


class Constraint(Protocol):
    """Which tokens an answer may go on with."""

    def allowed(self) -> Tensor:
        """[V] booleans."""
        ...

    def take(self, token: int) -> None:
        """The answer has gone on with this one."""
        ...


class Row:
    """One answer that grows token by token.

    adapter:    what it carries, of its task where it has one
    ends:       token ids that end it
    logprobs:   None, or of so many likeliest tokens besides the chosen one's
    constraint: what the answer must follow
    length:     places that its prompt takes, virtual tokens included
    tokens:     written so far, its end included
    finish:     "" while it goes on; "stop" or "length"
    It draws from random numbers of its own, which its seed alone decides: neighbours do not matter.
    """

    def __init__(
        self,
        prompt: Encoded,
        adapter: Adapter | None,
        settings: GenerateSettings,
        ends: Sequence[int] = (),
        logprobs: int | None = None,
        constraint: Constraint | None = None,
    ):
        self.prompt, self.settings = prompt, settings
        self.adapter = adapter and adapter.of_task(prompt.task)
        self.length = len(prompt.ids) + (self.adapter.tokens if self.adapter is not None else 0)
        self.ends = frozenset() if settings.ignore_end else frozenset(ends)
        self.logprobs, self.constraint = logprobs, constraint
        self.tokens: list[int] = []
        self.finish = ""
        self._counts: Counter[int] = Counter()
        self._random = torch.Generator().manual_seed(settings.seed) if settings.temperature else None
        self._asked = torch.tensor(prompt.ids, dtype=torch.long)

    @property
    def need(self) -> int:
        """How many places it takes at most. The last token's keys and values are never asked for."""
        return self.length + self.settings.max_new_tokens - 1

    @property
    def bends(self) -> bool:
        """True where the model's own logits are changed before a token is chosen."""
        s = self.settings
        return bool(s.repetition_penalty != 1 or s.presence_penalty or s.frequency_penalty or self.constraint)

    def take(self, token: int) -> None:
        """Go on with this token."""
        self.tokens.append(token)
        self._counts[token] += 1
        if token in self.ends:
            self.finish = "stop"
        elif len(self.tokens) == self.settings.max_new_tokens:
            self.finish = "length"
        if self.constraint is not None and not self.finish:
            self.constraint.take(token)

    def chance(self) -> float:
        """The next random number, from 0 to below 1."""
        return float(torch.rand((), generator=self._random, dtype=torch.float64))

    def written(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """The distinct tokens written so far, and how often."""
        ids = torch.tensor(list(self._counts), dtype=torch.long, device=device)
        return ids, torch.tensor(list(self._counts.values()), dtype=torch.long, device=device)

    def seen(self, device: torch.device) -> Tensor:
        """The tokens of prompt and answer; some stand there twice."""
        return torch.cat([self._asked.to(device), self.written(device)[0]])
