"""The one way in which every contender answers rows: framed, with its adapters, in batches, each question asked once.

Where the task is to choose among labels, the chances of the labels are normed to sum to one, so that what a head, an
ensemble or a calibrated base says compares with labels that are written. The nats of a row are then those of its true
label, spread over the tokens it takes, as for heads.

Where the task is to write, the wanted answer is scored, and where that is wished for an answer is written.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from capotasto.comparing.contender import Ready
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.judge import ask
from capotasto.evaluate.metrics import named
from capotasto.evaluate.questions import choose, likelihoods, options
from capotasto.evaluate.wishes import USUAL, Wishes
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Example

ROUGE = "rouge_l"  # the metric of what is written
LEAST = -50.0  # log-probability below which a label is as good as impossible; JSON has no infinity


@dataclass(frozen=True)
class Answered:
    """What a contender answered on N rows.

    answers: as metrics take them
    quality: [N] each row's own share of the decisive metric: 1 or 0 for accuracy, ROUGE-L of what was written, else
             minus nats per token
    tokens:  read and written: prompts with all that stands before them, and answers
    prompt:  tokens of a prompt on average, virtual ones included
    seconds: that it took
    """

    answers: Answers
    tokens: int
    prompt: float
    seconds: float

    @property
    def quality(self) -> np.ndarray:
        """See above."""
        if self.answers.chosen is not None:
            return (self.answers.chosen == self.answers.truth).astype(float)
        if self.answers.written is not None:
            found = named(ROUGE)(self.answers, np.eye(self.answers.rows))
            assert found is not None
            return found
        assert self.answers.sums is not None
        assert self.answers.counts is not None
        return -self.answers.sums / np.maximum(self.answers.counts, 1)

    @property
    def merit(self) -> tuple[float, float]:
        """How good it is, for choosing: its accuracy where there are labels, and then minus its loss."""
        sums, counts = self.answers.sums, self.answers.counts
        assert sums is not None
        assert counts is not None
        right = 0.0 if self.answers.chosen is None else float(self.quality.mean())
        return right, -float(sums.sum() / max(counts.sum(), 1))


def answer(
    base: Base, ready: Ready, rows: Sequence[Example], labels: Sequence[str], max_length: int, wishes: Wishes = USUAL
) -> Answered:
    """Ask a contender all these rows. A row that is too long loses the left of what stands before its answer."""
    start = time.perf_counter()
    framed = [ready.frame(row) for row in rows] if ready.frame else list(rows)
    renderers = [_renderer(base, adapter, max_length) for adapter in ready.adapters]
    if labels:
        each = [_normed(one) for one in _chances(base, ready, renderers, framed, labels)]
        chances = _normed(np.logaddexp.reduce(each, axis=0))
        answers = _chosen(chances, rows, labels, renderers[0])
    else:
        answers = ask(base, renderers[0], framed, [], ready.adapters[0], wishes=wishes)
    seconds = time.perf_counter() - start
    tokens, prompt = _sizes(ready, renderers, framed, labels)
    written = sum(renderers[0].longest([text]) for text in answers.written or ())
    return Answered(answers, tokens + written, prompt, seconds)


def _chances(
    base: Base, ready: Ready, renderers: Sequence[Renderer], framed: Sequence[Example], labels: Sequence[str]
) -> Sequence[np.ndarray]:
    """For each adapter [N, C] log-probabilities of the labels as it gives them; of several in mixed batches."""
    if len(ready.adapters) == 1:
        return [choose(base, renderers[0], framed, labels, ready.adapters[0])]
    asked = [row for renderer in renderers for row in options(renderer, framed, labels)]
    carried = [adapter for adapter in ready.adapters for _ in framed]
    return np.split(likelihoods(base, asked, carried), len(ready.adapters))


def moved(found: Answered, offsets: Sequence[float]) -> Answered:
    """The same answers with something added to the log-probability of each label."""
    assert found.answers.chances is not None
    assert found.answers.truth is not None
    chances = _normed(found.answers.chances + np.array(offsets))
    moved_on = {"sums": _nats(chances, found.answers.truth), "chosen": chances.argmax(1), "chances": chances}
    return replace(found, answers=replace(found.answers, **moved_on))


def _renderer(base: Base, adapter: Adapter | None, max_length: int) -> Renderer:
    room = max_length if base.context is None else min(max_length, base.context - (adapter.tokens if adapter else 0))
    return base.renderer(adapter, room)


def _normed(chances: np.ndarray) -> np.ndarray:
    """[N, C] log-probabilities that sum to one in each row."""
    normed = chances - np.logaddexp.reduce(chances, axis=1, keepdims=True)
    return np.maximum(normed, LEAST)


def _chosen(chances: np.ndarray, rows: Sequence[Example], labels: Sequence[str], renderer: Renderer) -> Answers:
    index = {label: number for number, label in enumerate(labels)}
    truth = np.array([index.get(row.label or "", -1) for row in rows])
    sizes = np.array([renderer.longest([label]) for label in labels])
    counts = np.where(truth >= 0, sizes[truth], 1)
    return Answers(_nats(chances, truth), counts, chances.argmax(1), truth, classes=len(labels), chances=chances)


def _nats(chances: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[N] nats of the true label; the most there can be for one that training did not know."""
    return -np.where(truth >= 0, chances[np.arange(len(truth)), truth], LEAST)


def _sizes(
    ready: Ready, renderers: Sequence[Renderer], framed: Sequence[Example], labels: Sequence[str]
) -> tuple[int, float]:
    """(tokens of prompts and answers together, tokens of a prompt on average)."""
    read = prompts = 0
    for renderer, adapter in zip(renderers, ready.adapters, strict=True):
        heads = adapter is not None and adapter.head() is not None
        every = 0 if heads else sum(renderer.longest([label]) for label in labels)
        for row in framed:
            own = len(renderer.prompt(row.turns[:-1] or row.turns).ids) + (adapter.tokens if adapter else 0)
            prompts += own
            read += own + (every if labels or row.plain else renderer.longest([row.completion]))
    return read, prompts / len(framed)
