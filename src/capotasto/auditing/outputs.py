"""Personal data and secrets that an adapter writes and was not given in the prompt; and which of them it has from the
rows that it learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from capotasto.auditing.personal import Found, find
from capotasto.auditing.run_rows import RunRow, RunRows, carried, room
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import AdapterError
from capotasto.evaluate.questions import write
from capotasto.evaluate.shares import share
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Measure

ROWS = 50
TOKENS = 64  # of an answer
PARTS = 2  # of a plain text, the first of which is given
SHOWN = 10

Said = list[Found]


@dataclass(frozen=True)
class Outputs:
    """Personal data in the answers to held-out prompts.

    rows:    prompts that were answered
    shares:  "base" and "adapter" → share of the answers that hold some which the prompt does not
    learnt:  what the adapter wrote and training rows hold
    """

    rows: int
    shares: dict[str, Measure]
    learnt: tuple[Found, ...]

    @property
    def flagged(self) -> bool:
        """True where something came out that was learnt."""
        return bool(self.learnt)

    def record(self) -> dict[str, Any]:
        """For JSON. What was found is masked."""
        return {
            "rows": self.rows,
            "shares": {who: one.as_dict() for who, one in self.shares.items()},
            "learnt": len(self.learnt),
            "shown": [f"{one.kind} {one.masked}" for one in self.learnt[:SHOWN]],
            "flagged": self.flagged,
        }


def outputs(base: Base, adapter: Adapter, rows: RunRows, most: int = ROWS, seed: int = 0) -> Outputs:
    """Answer prompts of held-out rows with base and adapter, and look at the answers. Errors: it writes no text.

    most: rows, drawn by `seed`
    """
    if adapter.head() is not None:
        raise AdapterError(f"{adapter.name} answers by a head and writes no text; nothing personal can stand in it")
    _, asked = rows.drawn(most, seed)
    length = room(base, adapter, rows.max_length)
    said = {name: _said(base, asked, one, length) for name, one in (("base", None), ("adapter", adapter))}
    shares = {name: share(sum(map(bool, found)), len(asked)) for name, found in said.items()}
    known = {one.text for row in rows.train for turn in row.example.turns for one in find(turn.content)}
    written = {one.text: one for found in said["adapter"] for one in found}
    return Outputs(len(asked), shares, tuple(one for text, one in written.items() if text in known))


def _said(base: Base, rows: Sequence[RunRow], adapter: Adapter | None, length: int) -> list[Said]:
    """For each row what the answer holds and the prompt does not."""
    tokens = min(TOKENS, length // 2)
    asked, renderer = [row.example.asked(PARTS) for row in rows], base.renderer(adapter, length)
    prompts = [renderer.prompt(turns, tokens) for turns in asked]
    texts = write(base, renderer, prompts, carried(rows, adapter), GenerateSettings(max_new_tokens=tokens))
    given = [" ".join(turn.content for turn in turns) for turns in asked]
    return [[one for one in find(text) if one.text not in prompt] for text, prompt in zip(texts, given, strict=True)]
