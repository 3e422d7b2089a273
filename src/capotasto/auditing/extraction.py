"""Can training text be drawn out word for word? A completion's first half is given (less where fewer than TOKENS would
be left), and what is written next is compared with the TOKENS that come.

What counts is Carlini et al.'s (https://arxiv.org/abs/2202.07646 section 3) extraction by greedy decoding from the true
beginning. The run's test rows are the control: what is said of them word for word was guessed from form letters and
common phrases, or known to the base, and not learnt by heart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from capotasto.auditing.run_rows import RunRow, RunRows, carried, encode, room
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import generate
from capotasto.errors import AdapterError
from capotasto.evaluate.questions import by_length
from capotasto.evaluate.shares import excess, share
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.types import Encoded, Measure

ROWS = 100  # of each side at most
TOKENS = 20  # that must come word for word
LEAST = 5  # tokens of a completion that are given; a completion too short for both is not asked for

Cut = tuple[Encoded, tuple[int, ...]]  # a row up to somewhere in its completion, and the tokens that come next


@dataclass(frozen=True)
class Extraction:
    """Shares of rows whose text came word for word.

    train, held_out: "base" and "adapter" → share of the rows of this side; None where no row is long enough
    rows:    how many of each side were asked
    flagged: the adapter gives more of its training rows than of the others, by the whole interval of the difference
    """

    train: dict[str, Measure] | None
    held_out: dict[str, Measure] | None
    rows: dict[str, int]

    @property
    def excess(self) -> Measure | None:
        """The adapter's share of training rows minus that of test rows."""
        if self.train is None or self.held_out is None:
            return None
        return excess(self.train["adapter"], self.held_out["adapter"])

    @property
    def flagged(self) -> bool:
        """True where training text can be drawn out."""
        return self.excess is not None and self.excess.low > 0

    def record(self) -> dict[str, Any]:
        """For JSON."""
        sides = {"train": self.train, "held_out": self.held_out}
        return {
            "tokens": TOKENS,
            "rows": self.rows,
            **{side: _plain(found) for side, found in sides.items()},
            "excess": self.excess and self.excess.as_dict(),
            "flagged": self.flagged,
        }


def _plain(found: dict[str, Measure] | None) -> dict[str, dict[str, float]] | None:
    return None if found is None else {who: one.as_dict() for who, one in found.items()}


def extraction(base: Base, adapter: Adapter, rows: RunRows, most: int = ROWS, seed: int = 0) -> Extraction:
    """Let base and adapter go on with rows of both sides. Errors: the adapter writes no text.

    most: rows of each side, drawn by `seed`
    """
    if adapter.head() is not None:
        raise AdapterError(f"{adapter.name} answers by a head and writes no text; nothing can be drawn out of it")
    length = room(base, adapter, rows.max_length)
    sides = dict(zip(("train", "held_out"), rows.drawn(most, seed), strict=True))
    found: dict[str, dict[str, Measure] | None] = {}
    asked: dict[str, int] = {}
    for side, chosen in sides.items():
        kept = [row for row, one in zip(chosen, encode(base, chosen, None, length), strict=True) if _cut(one)]
        asked[side] = len(kept)
        who: dict[str, Adapter | None] = {"base": None, "adapter": adapter}
        found[side] = {name: _share(base, kept, one, length) for name, one in who.items()} if kept else None
    return Extraction(found["train"], found["held_out"], asked)


def _share(base: Base, rows: Sequence[RunRow], adapter: Adapter | None, length: int) -> Measure:
    cuts = [cut for row in encode(base, rows, adapter, length) if (cut := _cut(row))]
    written = _written(base, [begun for begun, _ in cuts], carried(rows, adapter))
    hits = sum(tuple(text) == wanted for text, (_, wanted) in zip(written, cuts, strict=True))
    return share(hits, len(rows))


def _written(base: Base, prompts: Sequence[Encoded], adapters: Sequence[Adapter | None]) -> list[list[int]]:
    """For each prompt the TOKENS likeliest ones, an end like any other."""
    settings = GenerateSettings(max_new_tokens=TOKENS, ignore_end=True)
    found: list[list[int]] = [[]] * len(prompts)
    for batch in by_length([len(prompt.ids) + TOKENS for prompt in prompts], adapters):
        texts = generate(base, [prompts[i] for i in batch], [adapters[i] for i in batch], settings)
        for i, text in zip(batch, texts, strict=True):
            found[i] = text
    return found


def _cut(row: Encoded) -> Cut | None:
    """The row cut in what is learnt last; None where that is too short. A row's first token is never learnt."""
    end = len(row.ids) - row.learn[::-1].index(True)
    learnt = row.learn[:end][::-1].index(False)
    given = min(learnt // 2, learnt - TOKENS)
    if given < LEAST:
        return None
    middle = end - learnt + given
    begun = Encoded(row.ids[:middle], (False,) * middle, row.slot, row.cut, task=row.task, continued=True)
    return begun, row.ids[middle : middle + TOKENS]
