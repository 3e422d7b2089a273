"""What is in the data, as numbers a report can show and a person should see before training."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from capotasto.data.dataset import Dataset
from capotasto.data.split import Splits, check_leakage
from capotasto.types import Example

SHOWN = 10  # examples of each kind of trouble
QUANTILES = {"least": 0.0, "5%": 0.05, "25%": 0.25, "median": 0.5, "75%": 0.75, "95%": 0.95, "most": 1.0}


def profile(dataset: Dataset, splits: Splits) -> dict[str, Any]:
    """The data in plain JSON values. Lengths are in characters; places are as in error messages."""
    used = {*dataset.mapping.values(), *(dataset.names if "score" in dataset.mapping else [])}
    return {
        "path": dataset.path,
        "hash": dataset.hash,
        "shape": dataset.shape,
        "columns": {"used": dataset.mapping, "unused": [name for name in dataset.columns if name not in used]},
        "rows": len(dataset.examples),
        "splits": splits.sizes,
        "bad_rows": some([{"place": row.place, "reason": row.reason} for row in dataset.bad]),
        "empties": {
            "rows": sum(row.empty for row in dataset.bad),
            "prompts": sum(not (example.plain or example.prompt) for example in dataset.examples),
        },
        "characters": _characters(dataset.examples),
        "duplicates": some(_duplicates(dataset.examples)),
        "conflicts": some(_conflicts(dataset.examples)),
        "leakage": {
            side: some([list(pair) for pair in check_leakage(splits.train, examples)])
            for side, examples in splits.sides.items()
            if side != "train"
        },
        "labels": _labels(dataset, splits),
    }


def some(found: Sequence[Any]) -> dict[str, Any]:
    """How many were found, and the first of them."""
    return {"count": len(found), "first": list(found[:SHOWN])}


def _characters(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    if examples[0].plain:
        return {"text": _quantiles(len(example.completion) for example in examples)}
    return {
        "prompt": _quantiles(len(example.prompt) for example in examples),
        "completion": _quantiles(len(example.completion) for example in examples),
    }


def _quantiles(lengths: Iterable[int]) -> dict[str, int]:
    values = np.quantile(list(lengths), list(QUANTILES.values()))
    return {name: round(float(value)) for name, value in zip(QUANTILES, values, strict=True)}


def _duplicates(examples: Iterable[Example]) -> list[list[str]]:
    """For each row that repeats an earlier one exactly: the first one's place and its own."""
    groups = _grouped(examples, lambda example: (example.prompt, example.completion))
    return [[group[0].place, example.place] for group in groups for example in group[1:]]


def _conflicts(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Prompts with several different completions."""
    found = []
    for group in _grouped((example for example in examples if not example.plain), lambda example: example.prompt):
        completions = list(dict.fromkeys(example.completion for example in group))
        if len(completions) > 1:
            places = [example.place for example in group][:SHOWN]
            found.append({"prompt": group[0].prompt, "completions": completions[:SHOWN], "places": places})
    return found


def _grouped(examples: Iterable[Example], key: Callable[[Example], object]) -> Iterable[list[Example]]:
    groups: defaultdict[object, list[Example]] = defaultdict(list)
    for example in examples:
        groups[key(example)].append(example)
    return groups.values()


def _labels(dataset: Dataset, splits: Splits) -> dict[str, dict[str, int]]:
    """label → side → rows; empty for data without labels."""
    counts = {side: Counter(example.label for example in examples) for side, examples in splits.sides.items()}
    return {label: {side: counts[side][label] for side in counts} for label in dataset.labels}
