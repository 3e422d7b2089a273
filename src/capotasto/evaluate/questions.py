"""The three questions one may ask a model about rows of data. Each is asked once, however many metrics use the answers.

score:  how likely is this completion?
choose: which of these labels is likeliest?
write:  what would you write here?
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from capotasto import forward
from capotasto.base.frozen import FrozenBase
from capotasto.decoding.settings import GenerateSettings
from capotasto.decoding.stream import texts
from capotasto.methods.adapter import Adapter
from capotasto.objectives import row_losses
from capotasto.objectives.heads import encode, features, outputs
from capotasto.tokens.batches import cut
from capotasto.tokens.render import Renderer
from capotasto.trunk import Trunk
from capotasto.types import Encoded, Example

BATCH_TOKENS = 2048  # tokens in memory at a time; without gradients that is little


def by_length(
    lengths: Sequence[int], adapters: Sequence[Adapter | None], batch_tokens: int | None = None
) -> Iterator[list[int]]:
    """Row indices in batches of adapters that may share one. The rows of an adapter stand side by side, so that what
    they begin with is computed once, and among them those of like length."""
    ranks: dict[int, int] = {}
    for adapter in adapters:
        ranks.setdefault(id(adapter), len(ranks))
    for together in forward.apart(adapters):
        order = sorted(together, key=lambda row: (ranks[id(adapters[row])], lengths[row]))
        yield from (batch for batch in cut(order, lengths, batch_tokens or BATCH_TOKENS) if batch)


@torch.no_grad()
def score(
    base: FrozenBase, rows: Sequence[Encoded], adapters: Sequence[Adapter | None], trunk: Trunk | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each row: ([N] sums in nats, [N] supervised tokens). Row i carries `adapters[i]`.

    trunk: states of lower layers that need not be computed again
    """
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.int64)
    for batch in by_length([len(row.ids) for row in rows], adapters):
        losses, learnt = row_losses(base, [rows[i] for i in batch], [adapters[i] for i in batch], trunk=trunk)
        sums[batch], counts[batch] = losses.double().cpu().numpy(), learnt
    return sums, counts


def task_losses(
    base: FrozenBase, rows: Sequence[Encoded], adapter: Adapter | None, trunk: Trunk | None = None
) -> dict[str, float]:
    """Task → nats per supervised token over its rows."""
    sums, counts = score(base, rows, [adapter] * len(rows), trunk)
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.task, []).append(place)
    return {task: float(sums[mine].sum() / counts[mine].sum()) for task, mine in places.items()}


def held_out_loss(base: FrozenBase, rows: Sequence[Encoded], adapter: Adapter | None) -> float:
    """Nats per supervised token over all rows, or their mean over the tasks of a mixture."""
    losses = task_losses(base, rows, adapter)
    return sum(losses.values()) / len(losses)


def choose(
    base: FrozenBase, renderer: Renderer, examples: Sequence[Example], labels: Sequence[str], adapter: Adapter | None
) -> np.ndarray:
    """[N, C] log-probability of each label as the whole answer, its end included, so that they are comparable.

    The question before the labels is computed once for all of them (`layout`).
    """
    if adapter is not None and (classes := adapter.classes()):
        return _by_head(base, [encode(renderer, example, adapter) for example in examples], labels, adapter, classes)
    return likelihoods(base, options(renderer, examples, labels), [adapter] * len(examples))


def options(renderer: Renderer, examples: Sequence[Example], labels: Sequence[str]) -> list[list[Encoded]]:
    """Each example's question with each label as its whole answer; the longest label has room behind it."""
    room = renderer.longest(labels)
    prompts = [renderer.prompt(example.turns[:-1], room) for example in examples]
    return [[renderer.answer(prompt, label) for label in labels] for prompt in prompts]


@torch.no_grad()
def likelihoods(
    base: FrozenBase, options: Sequence[Sequence[Encoded]], adapters: Sequence[Adapter | None]
) -> np.ndarray:
    """[N, C] log-probability of each of C answers to the same question. Row i carries `adapters[i]`."""
    sizes = [len(rows[0].ids) - rows[0].learnt + sum(row.learnt for row in rows) for rows in options]
    chances = np.zeros((len(options), len(options[0]) if options else 0))
    for batch in by_length(sizes, adapters):
        rows = [row for i in batch for row in options[i]]
        losses, _ = row_losses(base, rows, [adapters[i] for i in batch for _ in options[i]])
        chances[batch] = -losses.double().cpu().numpy().reshape(len(batch), -1)
    return chances


@torch.no_grad()
def _by_head(
    base: FrozenBase, rows: Sequence[Encoded], labels: Sequence[str], adapter: Adapter, classes: Sequence[str]
) -> np.ndarray:
    """[N, C] log-probabilities by the adapter's own head; a label that it does not know gets −inf."""
    chances = np.full((len(rows), len(labels)), -np.inf)
    known = [(i, classes.index(label)) for i, label in enumerate(labels) if label in classes]
    for batch in by_length([len(row.ids) for row in rows], [adapter] * len(rows)):
        mine = [adapter] * len(batch)
        hidden = forward.run(base, [rows[i] for i in batch], mine)
        found = outputs(features(hidden, mine, range(len(batch))), adapter).double().log_softmax(-1).cpu().numpy()
        for label, own in known:
            chances[batch, label] = found[:, own]
    return chances


def write(
    base: FrozenBase,
    renderer: Renderer,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    stops: Sequence[str] = (),
) -> list[str]:
    """The text each prompt is answered with, up to the first of `stops`, in mixed batches of like length."""
    found = [""] * len(prompts)
    for batch, said in written(base, prompts, adapters, settings, renderer.stops, stops):
        for i, text in zip(batch, said, strict=True):
            found[i] = text
    return found


def written(
    base: FrozenBase,
    prompts: Sequence[Encoded],
    adapters: Sequence[Adapter | None],
    settings: GenerateSettings,
    ends: Sequence[int],
    stops: Sequence[str] = (),
    batch_tokens: int | None = None,
) -> Iterator[tuple[list[int], list[str]]]:
    """The same batch by batch, the short ones first: numbers of prompts, and what is written to each.

    ends: token ids that end an answer
    """
    sizes = [len(row.ids) + settings.max_new_tokens for row in prompts]
    for batch in by_length(sizes, adapters, batch_tokens):
        mine = [adapters[i] for i in batch]
        yield batch, texts(base, [prompts[i] for i in batch], mine, settings, ends, stops)
