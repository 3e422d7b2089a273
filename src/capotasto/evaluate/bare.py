"""What an adapter is measured against: the bare base, or where that cannot answer, the most common label."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.judge import ask
from capotasto.tokens.encoder import writes_nothing
from capotasto.tokens.render import Renderer
from capotasto.types import Example


def ask_bare(
    base: FrozenBase, renderer: Renderer, examples: Sequence[Example], labels: Sequence[str], known: Sequence[Example]
) -> Answers:
    """The answers of the base without an adapter. An encoder has none: `known` rows say how common each label is.

    Errors: an encoder, and no labels to choose among.
    """
    if not base.is_encoder:
        return ask(base, renderer, examples, labels, None)
    if not labels:
        raise writes_nothing(examples[0].place)
    return by_frequency(examples, labels, known)


def by_frequency(examples: Sequence[Example], labels: Sequence[str], known: Sequence[Example]) -> Answers:
    """Answers that look at no text. Each label counts once more than it occurs, so that none is impossible."""
    index = {label: i for i, label in enumerate(labels)}
    times = Counter(example.label for example in known)
    shares = np.array([times[label] + 1 for label in labels], dtype=np.float64)
    nats = -np.log(shares / shares.sum())
    truth = np.array([index.get(example.label or "", -1) for example in examples])
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
    )
