"""What heads answer: probabilities, numbers, marks; and what stands for the bare base, which has no head."""

from collections.abc import Sequence

import numpy as np
import torch

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.errors import AdapterError
from capotasto.evaluate.answers import Answers, completion_bytes
from capotasto.evaluate.questions import by_length, choose
from capotasto.methods.adapter import Adapter
from capotasto.objectives import heads
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example

THRESHOLD = 0.5  # a label is marked from this probability on
UNKNOWN = -20.0  # log-probability of a label that a head does not know


@torch.no_grad()
def answer(base: FrozenBase, rows: Sequence[Encoded], adapter: Adapter) -> np.ndarray:
    """[N, C] what the adapter's head says of each row: probabilities of labels, or numbers in the data's own unit."""
    head = heads.head_of(adapter)
    assert head is not None
    found = np.zeros((len(rows), len(head.mean)))
    for batch in by_length([len(row.ids) for row in rows], [adapter] * len(rows)):
        mine = [adapter] * len(batch)
        hidden = forward.run(base, [rows[i] for i in batch], mine)
        raw = heads.outputs(heads.features(hidden, mine, range(len(batch))), adapter).double()
        if head.objective == "regress":
            told = raw * head.std + head.mean
        else:
            told = raw.softmax(-1) if head.objective == "classify" else raw.sigmoid()
        found[batch] = told.cpu().numpy()
    return found


def in_words(adapter: Adapter, said: np.ndarray) -> list[str]:
    """[N, C] what a head said of each row, as one would write it: a label, labels, or numbers."""
    head, names = heads.head_of(adapter), adapter.classes() or []
    assert head is not None
    if head.objective == "regress":
        return [", ".join(f"{number:.4g}" for number in row) for row in said]
    if head.objective == "classify":
        return [names[i] for i in said.argmax(1)]
    return [", ".join(name for name, chance in zip(names, row, strict=True) if chance >= THRESHOLD) for row in said]


def ask_numbers(base: FrozenBase, renderer: Renderer, examples: Sequence[Example], adapter: Adapter | None) -> Answers:
    """Numbers for each row. The bare base tells none: for it stands the mean of these very rows, the best there is
    without reading them."""
    numbers = np.array([example.scores for example in examples])
    if adapter is None:
        return Answers(told=np.broadcast_to(numbers.mean(0), numbers.shape), numbers=numbers)
    rows = [heads.encode(renderer, example, adapter) for example in examples]
    return Answers(told=answer(base, rows, adapter), numbers=numbers)


def ask_marks(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    names: Sequence[str],
    adapter: Adapter | None,
) -> Answers:
    """Labels for each row. The bare base takes the likeliest ones, as many as these rows have on average."""
    fitting = np.array([[name in (example.labels or ()) for name in names] for example in examples])
    if adapter is None:
        chances = choose(base, renderer, examples, names, None)
        most = max(1, round(float(fitting.sum(1).mean())))
        rank = np.argsort(np.argsort(-chances, axis=1, kind="stable"), axis=1)
        return Answers(marked=rank < most, fitting=fitting, by="the labels likeliest to the base")
    rows = [heads.encode(renderer, example, adapter) for example in examples]
    classes, found = adapter.classes() or [], answer(base, rows, adapter) >= THRESHOLD
    marked = np.zeros(fitting.shape, dtype=bool)  # a head of several tasks knows the labels of the others too
    for place, name in enumerate(names):
        if name in classes:
            marked[:, place] = found[:, classes.index(name)]
    return Answers(marked=marked, fitting=fitting)


def ask_label(
    base: FrozenBase, renderer: Renderer, examples: Sequence[Example], labels: Sequence[str], adapter: Adapter
) -> Answers:
    """One label for each row, by a head. It writes nothing: its loss is the nats of the true label, spread over the
    tokens that the label would take, so that it compares with that of a model which writes the label. On an encoder
    none does, and a row counts once.

    Errors: a head that knows none of the labels.
    """
    if not set(labels) & set(adapter.classes() or ()):
        raise AdapterError(f"{adapter.name} chooses among labels of its own, and these rows have none of them")
    truth = true_labels(examples, labels)
    chances = choose(base, renderer, examples, labels, adapter)
    chosen = chances.argmax(1)
    counts = np.array([1 if base.is_encoder else sum(renderer.encode(example).learn) for example in examples])
    return Answers(
        sums=-np.maximum(np.where(truth >= 0, chances[np.arange(len(truth)), truth], UNKNOWN), UNKNOWN),
        counts=counts,
        chosen=chosen,
        truth=truth,
        written=[labels[i] for i in chosen],
        wanted=[example.completion for example in examples],
        classes=len(labels),
        bytes=completion_bytes(examples),
        chances=chances,
    )


def true_labels(examples: Sequence[Example], labels: Sequence[str]) -> np.ndarray:
    """[N] index of each row's label, −1 for one that is not among `labels`."""
    index = {label: i for i, label in enumerate(labels)}
    return np.array([index.get(example.label or "", -1) for example in examples])
