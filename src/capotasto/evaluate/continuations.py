"""How likely token ids are behind others, many at once: what several of them begin with is computed once.

Answers of a single token behind one question are one row; longer ones begin alike, stand in one batch and share the
question there (`layout`); and worked examples before every question are computed once for all batches (`stem`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.questions import BATCH_TOKENS
from capotasto.evaluate.stem import Ids, Stem, common
from capotasto.losses import token_chances
from capotasto.methods.adapter import Adapter
from capotasto.tokens.batches import cut
from capotasto.tokens.render import Renderer

_KIN = 4  # rows stay together where they share at least one part in so many of the longer one
_LOOK = 16  # looking at so many earlier tokens takes about as long, and as much memory, as computing one


@dataclass(frozen=True, slots=True)
class Question:
    """How likely is it that `wanted` follows on `given`, which has at least one token?"""

    given: Ids
    wanted: Ids

    @property
    def row(self) -> Ids:
        """What is computed to know it: the last token is only predicted."""
        return (*self.given, *self.wanted)[:-1]


@dataclass(frozen=True, slots=True)
class Chance:
    """The log-probability of all wanted tokens in nats, and whether each is the likeliest in its place."""

    nats: float
    likeliest: bool


def chances(
    base: FrozenBase,
    renderer: Renderer,
    questions: Sequence[Question],
    adapter: Adapter | None,
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[list[tuple[int, Chance]]]:
    """Batch by batch the numbers of questions with their answers; one that wants no token has none.

    batch_tokens: about so many tokens are computed at a time
    """
    asking: dict[Ids, list[int]] = {}
    for number, question in enumerate(questions):
        if question.wanted:
            asking.setdefault(question.row, []).append(number)
    rows, stem = sorted(asking), Stem(base, renderer, adapter)
    for batch in _batches(rows, batch_tokens):
        numbers = [asking[rows[i]] for i in batch]
        mine = [[questions[number] for number in together] for together in numbers]
        answers = _answers(base, stem, mine, adapter)
        yield list(zip((number for together in numbers for number in together), answers, strict=True))


def _batches(rows: Sequence[Ids], batch_tokens: int) -> list[list[int]]:
    """Numbers of rows, which come sorted so that kin are neighbours: kin together, the short ones first."""
    shared = [0, *(common(one, other) for one, other in pairwise(rows))]
    families: list[list[int]] = []
    for i, row in enumerate(rows):
        if not families or shared[i] * _KIN < max(len(row), len(rows[i - 1])):
            families.append([])
            shared[i] = 0
        families[-1].append(i)
    families.sort(key=lambda family: max(len(rows[i]) for i in family))
    sizes = [len(row) - shared[i] + len(row) // _LOOK for i, row in enumerate(rows)]
    return [batch for batch in cut([i for family in families for i in family], sizes, batch_tokens) if batch]


@torch.no_grad()
def _answers(
    base: FrozenBase, stem: Stem, asked: Sequence[Sequence[Question]], adapter: Adapter | None
) -> list[Chance]:
    """The answers to the questions of each row, in their order."""
    least = min(len(question.given) for together in asked for question in together)
    batch, before = stem.before([together[0].row for together in asked], limit=least - 1)
    hidden = forward.run(base, batch, [adapter] * len(batch), before=[before] * len(batch))
    sources: list[int] = []
    targets: list[int] = []
    for row, together in enumerate(asked):
        for question in together:
            first = len(question.given) - stem.length
            sources += [hidden.before(row, first + i) for i in range(len(question.wanted))]
            targets += question.wanted
    places, wanted = (torch.tensor(ids, device=hidden.states.device) for ids in (sources, targets))
    nats, likeliest = token_chances(hidden.states[places], wanted, forward.head(base, [adapter]))
    sizes = [len(question.wanted) for together in asked for question in together]
    parts = zip(nats.double().cpu().split(sizes), likeliest.cpu().split(sizes), strict=True)
    return [Chance(float(own.sum()), bool(best.all())) for own, best in parts]
