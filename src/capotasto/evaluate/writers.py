"""What those answer who write their answers: bare bases and adapters without a head, in mixed batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate.answers import Answers, completion_bytes
from capotasto.evaluate.heads import true_labels
from capotasto.evaluate.questions import likelihoods, options, score, write
from capotasto.evaluate.wishes import Wishes
from capotasto.methods.adapter import Adapter
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example, Turn


@dataclass(frozen=True)
class _Sheet:
    """The questions about N rows, as one placement of virtual tokens puts them.

    windows: each row as it is learnt, a long text in several
    options: each row with each label as its answer; empty without labels
    prompts: what is written to; empty where nothing is written
    """

    windows: list[list[Encoded]]
    options: list[list[Encoded]]
    prompts: list[Encoded]


def ask_writers(
    base: FrozenBase,
    examples: Sequence[Example],
    labels: Sequence[str],
    each: Sequence[tuple[Renderer, Adapter | None]],
    wishes: Wishes,
) -> list[Answers]:
    """The answers of those who write what they answer."""
    if not each:
        return []
    renderer, adapters = each[0][0], [one for _, one in each]
    writes = bool(labels) or wishes.writes
    turns, prompts = distinct_prompts(examples) if writes else ([], None)
    tokens = _room(renderer, examples, labels, wishes) if writes else 0
    sheets = {
        placement: _Sheet(
            [own.windows(example) for example in examples],
            options(own, examples, labels) if labels else [],
            [own.prompt(asked, tokens) for asked in turns],
        )
        for placement, own in {own.placement: own for own, _ in each}.items()
    }
    mine = [sheets[own.placement] for own, _ in each]
    truth = true_labels(examples, labels) if labels else None
    chances = _chances(base, mine, adapters) if labels else None
    sums, counts = _losses(base, mine, adapters, chances, truth)
    texts = _texts(base, renderer, mine, adapters, tokens)
    return [
        Answers(
            sums=sums[i],
            counts=counts[i],
            chosen=None if chances is None else chances[i].argmax(1),
            truth=truth,
            written=None if prompts is None else [texts[i][prompt] for prompt in prompts],
            wanted=[example.completion for example in examples] if writes else None,
            classes=len(labels),
            bytes=completion_bytes(examples),
            chances=None if chances is None else chances[i],
            prompts=None if labels else prompts,
        )
        for i in range(len(each))
    ]


def distinct_prompts(examples: Sequence[Example]) -> tuple[list[tuple[Turn, ...]], np.ndarray]:
    """The prompts of all rows, each once, and [N] the number of each row's own."""
    numbers: dict[tuple[Turn, ...], int] = {}
    places = [numbers.setdefault(example.turns[:-1], len(numbers)) for example in examples]
    return list(numbers), np.array(places)


def _room(renderer: Renderer, examples: Sequence[Example], labels: Sequence[str], wishes: Wishes) -> int:
    """Tokens of a written answer at most. Where there is no label, no more than half a row."""
    if labels:
        return renderer.longest(labels)
    most = wishes.tokens or renderer.longest([example.completion for example in examples])
    return min(most, renderer.max_length // 2)


def _chances(base: FrozenBase, sheets: Sequence[_Sheet], adapters: Sequence[Adapter | None]) -> np.ndarray:
    """[A, N, C] log-probability of each label as the whole answer, for each of A contenders."""
    asked = [one for sheet in sheets for one in sheet.options]
    found = likelihoods(base, asked, [one for one, sheet in zip(adapters, sheets, strict=True) for _ in sheet.options])
    return found.reshape(len(sheets), -1, found.shape[1])


def _losses(
    base: FrozenBase,
    sheets: Sequence[_Sheet],
    adapters: Sequence[Adapter | None],
    chances: np.ndarray | None,
    truth: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:
    """[A, N] nats and [A, N] supervised tokens of each row, all windows of a long text together.

    Where the row is the question with its true label, its nats are among the `chances` already.
    """
    sums = np.zeros((len(sheets), len(sheets[0].windows)))
    counts = np.zeros(sums.shape, dtype=np.int64)
    left: list[tuple[int, int]] = []  # contender and row of each window that is still to be scored
    rows: list[Encoded] = []
    for who, sheet in enumerate(sheets):
        for i, own in enumerate(sheet.windows):
            label = -1 if truth is None else int(truth[i])
            if chances is not None and label >= 0 and own == [sheet.options[i][label]]:
                sums[who, i], counts[who, i] = -chances[who, i, label], own[0].learnt
            else:
                left += [(who, i)] * len(own)
                rows += own
    found, learnt = score(base, rows, [adapters[who] for who, _ in left])
    for place, nats, count in zip(left, found, learnt, strict=True):
        sums[place] += nats
        counts[place] += count
    return sums, counts


def _texts(
    base: FrozenBase,
    renderer: Renderer,
    sheets: Sequence[_Sheet],
    adapters: Sequence[Adapter | None],
    tokens: int,
) -> list[list[str]]:
    """For each contender what it writes to each prompt."""
    prompts = [prompt for sheet in sheets for prompt in sheet.prompts]
    if not prompts:
        return [[] for _ in sheets]
    carried = [one for one, sheet in zip(adapters, sheets, strict=True) for _ in sheet.prompts]
    found = write(base, renderer, prompts, carried, GenerateSettings(max_new_tokens=tokens))
    size = len(sheets[0].prompts)
    return [found[start : start + size] for start in range(0, len(found), size)]
