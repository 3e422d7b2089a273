"""An adapter before its training; where the user does not say what virtual tokens start from, candidates are tried."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from capotasto.artifact import load_adapter
from capotasto.errors import SettingError
from capotasto.evaluate.questions import score
from capotasto.methods import METHODS
from capotasto.methods.adapter import Adapter
from capotasto.methods.combined import CombinedAdapter
from capotasto.methods.linears import layer_numbers
from capotasto.methods.own_model import OwnModel
from capotasto.methods.prompt import PromptAdapter
from capotasto.methods.settings import SOFT, MethodSettings
from capotasto.methods.stacked import stack
from capotasto.promotion import promote
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.types import Encoded, Example

NOISE = "random"  # a prefix that starts from this needs no pass through the base
TRIAL_TOKENS = 600  # real tokens of training rows on which each candidate is tried


def beneath(base: Base, settings: MethodSettings) -> Adapter | None:
    """The trained adapter that `settings.stack_on` names. Errors: there is none, or nothing can be learned on it."""
    if settings.stack_on is None:
        return None
    under = load_adapter(Path(settings.stack_on), base)
    if under.body() is not None:
        remedy = f"use it as the base: --base {settings.stack_on}" if under.method == "full" else "choose another"
        raise SettingError(
            f"--stack-on {settings.stack_on} runs a model of its own, and nothing stacks on it; {remedy}"
        )
    if under.embeds() is not None and SOFT & set(settings.method.split("+")) and under.placement != settings.placement:
        raise SettingError(
            f"--stack-on {settings.stack_on} has its virtual tokens at {under.placement}; put the new ones"
            f" behind them with --placement {under.placement}"
        )
    return under


def untrained(
    base: Base, settings: MethodSettings, labels: Sequence[str], seed: int, on: Adapter | None = None, **facts: Any
) -> Adapter:
    """The adapter that `settings.method` means; methods joined by + become one adapter.

    on:    an adapter that will act beneath it
    facts: what adapters know of themselves, and the `ids` of rendered examples where virtual tokens start from these
    Errors: an unknown method, settings that this base cannot carry out.
    """
    if "+" in settings.method:
        parts = [
            untrained(base, settings.model_copy(update={"method": name}), labels, seed, on, **facts)
            for name in settings.method.split("+")
        ]
        begun = [
            f"{part.method} from {part.start['kind']} {part.start['detail']}" for part in parts if "kind" in part.start
        ]
        start = {"kind": settings.method, "detail": "; ".join(begun)}
        facts.pop("ids", None)
        return CombinedAdapter(parts, base, placement=settings.placement, **{**facts, "start": start})
    kind = method_of(settings.method)
    if not kind.begins:
        facts = {name: fact for name, fact in facts.items() if name not in ("start", "ids")}
    if kind.grows and settings.init != NOISE:
        prompt = PromptAdapter.fresh(base, settings, list(labels), seed, **facts)
        layers = None if settings.layers is None else layer_numbers(base, settings.layers)
        grown = promote(base, prompt, min(settings.frozen_tokens, prompt.tokens - 1), on, layers)
        grown.start = prompt.start
        return grown.behind_network(seed) if settings.prefix_projection else grown
    return kind.fresh(base, settings, list(labels), seed, **facts)


def takes_init(method: str) -> bool:
    """True for methods with virtual tokens, which start from something."""
    return any(method_of(name).begins for name in method.split("+"))


def runs_alone(method: str) -> bool:
    """True for methods with a model of their own, whose rows share no batch with others."""
    return any(issubclass(method_of(name), OwnModel) for name in method.split("+"))


def check_method(method: str) -> None:
    """Errors: an unknown method, before any work is done."""
    for name in method.split("+"):
        method_of(name)


def method_of(name: str) -> type[Adapter]:
    """The class of a method. Errors: an unknown one."""
    return cast(type[Adapter], METHODS[name.partition(":")[0]])


def example_ids(init: str, examples: Sequence[Example], renderer: Renderer, most: int, seed: int) -> list[int]:
    """The token ids that `examples:K` means: K training rows as they are rendered, one after the other, cut at `most`.

    Errors: a K that is no number of training rows.
    """
    count = init.partition(":")[2]
    if not count.isdigit() or not 1 <= int(count) <= len(examples):
        raise SettingError(f"--init {init}: write examples:K with K from 1 to {len(examples)}, the training rows")
    rendered = [renderer.encode(example).ids for example in _some(examples, int(count), seed)]
    return [token for ids in rendered for token in ids][:most]


def default_init(
    base: Base,
    examples: Sequence[Example],
    rows: Sequence[Encoded],
    labels: Sequence[str],
    tokens: int,
    seed: int,
    on: Adapter | None = None,
) -> str:
    """The candidate with the least loss on a few training rows, as an `--init` value.

    All candidates are tried in mixed batches, without a step of training. Starting from words that already help is
    worth more than any other choice (https://arxiv.org/abs/2104.08691 section 3.2; docs/science.md).
    """
    candidates = _candidates(examples, labels, seed)
    trial = _trial_rows(rows, seed)
    prompts = [stack(base, on, _prompt(base, init, tokens, labels, seed)) for init in candidates]
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
    settings = MethodSettings(init=init, tokens=tokens)
    return PromptAdapter.fresh(base, settings, list(labels), seed, name=init, fingerprint=base.fingerprint)
