"""What a task of lm-eval asks of writing, in our settings."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capotasto.decoding.settings import GenerateSettings

NEW_TOKENS = 256  # where a task does not say, as in lm-eval's own models
_LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # the first one given counts


def settings_of(asked: Mapping[str, Any], more_seed: int = 0) -> GenerateSettings:
    """The settings for a task's `generation_kwargs`. Greedy unless `do_sample` or a temperature says otherwise.

    more_seed: is added to the seed, so that the same question asked again is answered with other random numbers
    Errors: a setting that does not exist here.
    """
    rest = {name: value for name, value in asked.items() if value is not None and name != "until"}
    lengths = [rest.pop(name) for name in _LENGTHS if name in rest]
    sampled = rest.pop("do_sample", None)
    temperature = rest.pop("temperature", 1.0 if sampled else 0.0)
    found = {
        "max_new_tokens": lengths[0] if lengths else NEW_TOKENS,
        "temperature": 0.0 if sampled is False else temperature,
        **rest,
        "seed": rest.get("seed", 0) + more_seed,
    }
    return GenerateSettings.build(found, "the task's generation_kwargs")


def stops_of(asked: Mapping[str, Any]) -> list[str]:
    """The texts before which an answer ends."""
    until = asked.get("until") or []
    return [until] if isinstance(until, str) else list(until)


def alike(requests: Sequence[Sequence[Any]]) -> Iterator[tuple[Mapping[str, Any], int, list[int]]]:
    """Requests (text, `generation_kwargs`) that may be written together: what they ask for, how often each of them was
    asked before, and their numbers."""
    before: Counter[tuple[str, str]] = Counter()
    groups: dict[tuple[str, int], list[int]] = {}
    for number, (text, asked, *_) in enumerate(requests):
        key = json.dumps(asked, sort_keys=True, default=str)
        groups.setdefault((key, before[key, text]), []).append(number)
        before[key, text] += 1
    for (_, again), numbers in groups.items():
        yield requests[numbers[0]][1], again, numbers
