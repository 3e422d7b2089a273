"""Where a soft prompt starts when the user does not say: candidates from the data, tried on a few training rows."""

from collections.abc import Sequence

import numpy as np

from capotasto.evaluate.questions import score
from capotasto.methods.initial import initial
from capotasto.methods.prompt import PromptAdapter
from capotasto.session import Base
from capotasto.types import Encoded, Example

TRIAL_TOKENS = 600  # real tokens of training rows on which each candidate is tried


def default_init(
    base: Base, examples: Sequence[Example], rows: Sequence[Encoded], labels: Sequence[str], tokens: int, seed: int
) -> str:
    """The candidate with the least loss on a few training rows, as an `--init` value.

    All candidates are tried in mixed batches, without a step of training. Starting from words that already help is
    worth more than any other choice (https://arxiv.org/abs/2104.08691 section 3.2; docs/science.md).
    """
    candidates = _candidates(examples, labels, seed)
    trial = _trial_rows(rows, seed)
    prompts = [_prompt(base, init, tokens, labels, seed) for init in candidates]
    sums, counts = score(base, [row for _ in prompts for row in trial], [p for p in prompts for _ in trial])
    losses = sums.reshape(len(prompts), -1).sum(1) / counts.reshape(len(prompts), -1).sum(1)
    return candidates[int(losses.argmin())]


def _candidates(examples: Sequence[Example], labels: Sequence[str], seed: int) -> list[str]:
    found = ["vocab", *(f"text:{_as_text(example)}" for example in _some(examples, 3, seed))]
    if labels:
        words = ", ".join(labels)
        found += [f"text:Choose the topic of the message. Answer with one of: {words}", f"text:{words}"]
    elif not examples[0].plain:
        found.append("text:Answer in the manner of the examples, in as few words as they do.")
    return list(dict.fromkeys(found))


def _as_text(example: Example) -> str:
    return example.completion if example.plain else f"{example.prompt}\n{example.completion}"


def _some(items: Sequence, count: int, seed: int) -> list:
    chosen = np.random.default_rng([seed, 1]).permutation(len(items))[:count]
    return [items[i] for i in chosen]


def _trial_rows(rows: Sequence[Encoded], seed: int) -> list[Encoded]:
    taken: list[Encoded] = []
    for row in _some(rows, len(rows), seed + 1):
        if taken and sum(len(r.ids) for r in taken) + len(row.ids) > TRIAL_TOKENS:
            break
        taken.append(row)
    return taken


def _prompt(base: Base, init: str, tokens: int, labels: Sequence[str], seed: int) -> PromptAdapter:
    vectors, _ = initial(base, init, tokens, labels, seed)
    return PromptAdapter(vectors, name=init, fingerprint=base.fingerprint).to(base.device)
