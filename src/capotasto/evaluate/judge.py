"""All metrics of base and adapters on the same rows, with intervals and differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capotasto.base.frozen import FrozenBase
from capotasto.decoding.settings import GenerateSettings
from capotasto.errors import AdapterError
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import Metric, difference, measure, resamples
from capotasto.evaluate.heads import ask_marks, ask_numbers
from capotasto.evaluate.metrics import METRICS
from capotasto.evaluate.questions import choose, score, write
from capotasto.methods.adapter import Adapter
from capotasto.tokens.render import Renderer
from capotasto.types import Example, Measure

UNKNOWN = -20.0  # log-probability of a label that a head does not know


@dataclass(frozen=True)
class Judgement:
    """Scores of one contender, and the difference to the bare base (None for the base itself)."""

    answers: Answers
    scores: dict[str, Measure]
    difference: dict[str, Measure] | None = None


def ask(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    adapter: Adapter | None,
    objective: str = "lm",
) -> Answers:
    """Ask all questions that make sense: choosing and writing only where the task is to name a label.

    objective: that of the heads among the contenders; the bare base is asked the same thing
    """
    if objective == "regress":
        return ask_numbers(base, renderer, examples, adapter)
    if objective == "multilabel":
        return ask_marks(base, renderer, examples, labels, adapter)
    index = {label: i for i, label in enumerate(labels)}
    truth = np.array([index.get(example.label or "", -1) for example in examples])
    if adapter is not None and adapter.classes():
        return _by_head(base, renderer, examples, labels, truth, adapter)
    sums, counts = _score_whole(base, renderer, examples, adapter)
    if not labels:
        return Answers(sums, counts)
    chances = choose(base, renderer, examples, labels, adapter)
    settings = GenerateSettings(max_new_tokens=renderer.longest(labels))
    prompts = [renderer.prompt(example.turns[:-1], settings.max_new_tokens) for example in examples]
    texts = write(base, renderer, prompts, [adapter] * len(prompts), settings)
    wanted = [example.completion for example in examples]
    return Answers(sums, counts, chances.argmax(1), truth, texts, wanted, len(labels))


def _score_whole(
    base: FrozenBase, renderer: Renderer, examples: Sequence[Example], adapter: Adapter | None
) -> tuple[np.ndarray, np.ndarray]:
    """[N] nats and [N] supervised tokens of each example, all windows of a long text together."""
    windows = [renderer.windows(example) for example in examples]
    rows = [row for own in windows for row in own]
    sums, counts = score(base, rows, [adapter] * len(rows))
    starts = np.cumsum([0, *map(len, windows[:-1])])
    return np.add.reduceat(sums, starts), np.add.reduceat(counts, starts)


def _by_head(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    truth: np.ndarray,
    adapter: Adapter,
) -> Answers:
    """A head writes nothing: its loss is the nats of the true label, spread over the tokens that the label would take,
    so that it compares with that of a model which writes the label. On an encoder none does, and a row counts once."""
    if not set(labels) & set(adapter.classes() or ()):
        raise AdapterError(f"{adapter.name} chooses among labels of its own, and these rows have none of them")
    chances = choose(base, renderer, examples, labels, adapter)
    chosen = chances.argmax(1)
    counts = np.array([1 if base.is_encoder else sum(renderer.encode(example).learn) for example in examples])
    sums = -np.maximum(np.where(truth >= 0, chances[np.arange(len(truth)), truth], UNKNOWN), UNKNOWN)
    texts = [labels[i] for i in chosen]
    return Answers(sums, counts, chosen, truth, texts, [example.completion for example in examples], len(labels))


def judge(answers: Answers, against: Answers | None = None) -> Judgement:
    """Turn answers into scores; `against` are the bare base's answers on the same rows."""
    weights = resamples(answers.rows)
    metrics: dict[str, Metric] = {name: METRICS[name] for name in METRICS}  # type: ignore[misc]
    scores = {name: found for name, metric in metrics.items() if (found := measure(metric, answers, weights))}
    if against is None:
        return Judgement(answers, scores)
    gaps = {name: gap for name, metric in metrics.items() if (gap := difference(metric, answers, against, weights))}
    return Judgement(answers, scores, gaps)
