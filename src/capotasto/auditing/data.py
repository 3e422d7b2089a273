"""What a file holds that should be looked at before anything learns from it. The profile has counted exact repeats,
contradictions and shared prompts; this adds what is nearly so, what is personal, coarse words, and labels that may be
wrong."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from capotasto.auditing.coarse import coarse
from capotasto.auditing.label_noise import suspects
from capotasto.auditing.near import near
from capotasto.auditing.personal import KINDS, find, mask
from capotasto.data import Dataset, Splits
from capotasto.data.profile import some
from capotasto.data.split import leak_key
from capotasto.types import Example


def audit_data(dataset: Dataset, splits: Splits) -> dict[str, Any]:
    """The findings in plain JSON values; places are as in error messages, and personal data are masked.

    near_duplicates: prompts (texts) that nearly repeat an earlier one, and near_leakage those of them that stand on
                     another side than it
    personal:        kind → what was found
    coarse:          rows with coarse words; None where the package with the list of them is not installed
    label_suspects:  rows whose label may be wrong; None where there are no labels to choose among
    untested_labels: labels without a test row
    Errors: there are labels, and scikit-learn is not installed.
    """
    sides = {leak_key(example): side for side, rows in splits.sides.items() for example in rows}
    pairs = _near(dataset.examples, sides)
    return {
        "near_duplicates": some(pairs),
        "near_leakage": some([pair for pair in pairs if len(set(pair["sides"])) > 1]),
        "personal": _personal(dataset.examples),
        "coarse": _coarse(dataset.examples),
        "label_suspects": some(_suspects(dataset.examples)) if dataset.labels else None,
        "untested_labels": _untested(dataset, splits),
    }


def _near(examples: Sequence[Example], sides: dict[str, str]) -> list[dict[str, Any]]:
    """Pairs among different prompts: those that are alike are counted elsewhere."""
    firsts: dict[str, Example] = {}
    for example in examples:
        firsts.setdefault(leak_key(example), example)
    keys = list(firsts)
    return [
        {
            "places": [firsts[keys[one]].place, firsts[keys[other]].place],
            "similarity": round(measure, 3),
            "sides": [sides[keys[one]], sides[keys[other]]],
        }
        for one, other, measure in near(keys)
    ]


def _personal(examples: Sequence[Example]) -> dict[str, dict[str, Any]]:
    found: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for example in examples:
        for turn in example.turns:
            for one in find(turn.content):
                found[one.kind].append({"place": example.place, "shown": one.masked})
    return {kind: some(found[kind]) for kind in KINDS if kind in found}


def _coarse(examples: Sequence[Example]) -> dict[str, Any] | None:
    found = coarse(["\n".join(turn.content for turn in example.turns) for example in examples])
    if found is None:
        return None
    return some([{"place": examples[one.row].place, "words": list(one.words)} for one in found])


def _suspects(examples: Sequence[Example]) -> list[dict[str, Any]]:
    found = suspects([example.prompt for example in examples], [example.label or "" for example in examples])
    return [
        {
            "place": examples[one.row].place,
            "text": mask(examples[one.row].prompt),
            "given": one.given,
            "likelier": one.likelier,
            "gap": round(one.gap, 3),
        }
        for one in found
    ]


def _untested(dataset: Dataset, splits: Splits) -> list[str]:
    tested = {example.label for example in splits.test}
    return [label for label in dataset.labels if label not in tested]
