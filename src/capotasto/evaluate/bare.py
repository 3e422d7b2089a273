"""What an adapter is measured against: the bare base, or where that cannot answer, the most common label."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.answers import Answers, completion_bytes
from capotasto.evaluate.heads import true_labels
from capotasto.evaluate.judge import ask
from capotasto.evaluate.together import ask_all
from capotasto.evaluate.wishes import USUAL, Wishes
from capotasto.methods.adapter import Adapter
from capotasto.tokens.encoder import writes_nothing
from capotasto.tokens.render import Renderer
from capotasto.types import Example


def ask_beside_bare(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    known: Sequence[Example],
    adapters: Sequence[Adapter],
    objective: str = "lm",
    wishes: Wishes = USUAL,
) -> list[Answers]:
    """What the base without an adapter answers, as `ask_bare` says, and then what each of `adapters` does."""
    if not base.is_encoder:
        return ask_all(base, renderer, examples, labels, [None, *adapters], objective, wishes)
    bare = ask_bare(base, renderer, examples, labels, known, objective)
    return [bare, *ask_all(base, renderer, examples, labels, adapters, objective, wishes)]


def ask_bare(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    known: Sequence[Example],
    objective: str = "lm",
) -> Answers:
    """The answers of the base without an adapter. An encoder has none: `known` rows say how common each label is.

    Errors: an encoder, and no labels to choose among.
    """
    if not base.is_encoder or objective == "regress":
        return ask(base, renderer, examples, labels, None, objective)
    if not labels:
        raise writes_nothing(examples[0].place)
    return (
        marks_by_frequency(examples, labels, known)
        if objective == "multilabel"
        else by_frequency(examples, labels, known)
    )


def by_frequency(examples: Sequence[Example], labels: Sequence[str], known: Sequence[Example]) -> Answers:
    """Answers that look at no text. Each label counts once more than it occurs, so that none is impossible."""
    times = Counter(example.label for example in known)
    shares = np.array([times[label] + 1 for label in labels], dtype=np.float64)
    nats = -np.log(shares / shares.sum())
    truth = true_labels(examples, labels)
    chosen = np.full(len(examples), int(nats.argmin()))
    return Answers(
        sums=np.where(truth >= 0, nats[truth], nats.max()),
        counts=np.ones(len(examples), dtype=np.int64),
        chosen=chosen,
        truth=truth,
        written=[labels[i] for i in chosen],
        wanted=[example.completion for example in examples],
        classes=len(labels),
        by="the most common label",
        bytes=completion_bytes(examples),
        chances=np.broadcast_to(-nats, (len(examples), len(labels))),
    )


def marks_by_frequency(examples: Sequence[Example], labels: Sequence[str], known: Sequence[Example]) -> Answers:
    """The most common labels for every row, as many as these rows have on average."""
    fitting = np.array([[name in (example.labels or ()) for name in labels] for example in examples])
    most = max(1, round(float(fitting.sum(1).mean())))
    times = Counter(name for example in known for name in example.labels or ())
    common = sorted(labels, key=lambda name: -times[name])[:most]
    marked = np.broadcast_to([name in common for name in labels], fitting.shape)
    return Answers(marked=marked, fitting=fitting, by="the most common labels")
