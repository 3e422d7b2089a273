"""Forgetting: multiple choice by likelihood, as lm-eval asks it.

A model chooses the candidate that it finds likeliest (`accuracy`), or likeliest for its length in bytes
(`accuracy_per_byte`; lm-eval's `acc_norm` divides by characters). No examples stand before the question.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from capotasto.auditing.files import picked
from capotasto.auditing.likelihood import Likelihood, Scores
from capotasto.auditing.probe import Candidate, Item, Tally

PLAIN = ("accuracy",)
BY_LENGTH = ("accuracy", "accuracy_per_byte")


@dataclass(frozen=True, kw_only=True)
class Choices(Likelihood):
    """One right candidate among several.

    item: what a row of the file asks
    """

    item: Callable[[dict[str, Any]], Item]
    skill: str = "forgetting"
    metrics: tuple[str, ...] = BY_LENGTH

    def items(self, folder: Path, rows: int) -> list[Item]:
        """One item a row."""
        return picked(self.files(folder), self.item, rows)

    def tallies(self, items: Sequence[Item], answers: Sequence[Scores]) -> dict[str, Tally]:
        """Where the choice is the right one."""
        per_byte = [one.nats / sizes(item) for item, one in zip(items, answers, strict=True)]
        nats = {"accuracy": [one.nats for one in answers], "accuracy_per_byte": per_byte}
        return {name: right(items, nats[name]) for name in self.metrics}


def sizes(item: Item) -> np.ndarray:
    """[C] bytes of each candidate, the space before it left out."""
    return np.array([max(1, len(one.text.strip().encode())) for one in item.candidates])


def right(items: Sequence[Item], nats: Sequence[np.ndarray]) -> Tally:
    """Where the candidate with the fewest nats [C] is the right one; the first of several alike is chosen."""
    chosen = [item.marks[int(own.argmin())] for item, own in zip(items, nats, strict=True)]
    return Tally.mean([float("right" in mark.split()) for mark in chosen])


def choice(values: dict[str, Any]) -> Item:
    """`query`, `choices` and `gold`. A query that begins with "Question:" is answered behind "Answer:"."""
    query = values["query"].rstrip()
    context = f"{query}\nAnswer:" if query.startswith("Question:") else query
    return _marked([(context, f" {text}") for text in values["choices"]], values["gold"])


def schema(values: dict[str, Any]) -> Item:
    """`context_options`, of which one is right, before the same `continuation` (Trinh and Le 2018,
    https://arxiv.org/abs/1806.02847, section 3.1: partial scoring)."""
    text = " " + values["continuation"]
    return _marked([(context, text) for context in values["context_options"]], values["gold"])


def ending(values: dict[str, Any]) -> Item:
    """HellaSwag's own columns (https://arxiv.org/abs/1905.07830), with marks such as [title] taken out."""
    context = f"{values['activity_label']}: {values['ctx_a']} {values['ctx_b'].capitalize()}"
    endings = [f" {_clean(text)}" for text in values["endings"]]
    return _marked([(_clean(context), text) for text in endings], int(values["label"]))


def _clean(text: str) -> str:
    return " ".join(re.sub(r"\[.*?\]", "", text.replace(" [title]", ". ")).split())


def _marked(candidates: Sequence[tuple[str, str]], gold: int) -> Item:
    """Errors: IndexError where there is no candidate of that number."""
    if not 0 <= gold < len(candidates):
        raise IndexError(f"candidate {gold} of {len(candidates)} is the right one")
    marks = ["right" if i == gold else "wrong" for i in range(len(candidates))]
    return Item(tuple(Candidate(*pair, mark) for pair, mark in zip(candidates, marks, strict=True)))


def _gauntlet(name: str) -> tuple[str, ...]:
    return (f"eval_gauntlet/{name}.jsonl", f"{name}.jsonl")


ARC_EASY = Choices(title="ARC easy, school science", patterns=_gauntlet("arc_easy"), item=choice)
PIQA = Choices(title="PIQA, everyday physics", patterns=_gauntlet("piqa"), item=choice)
OPENBOOK_QA = Choices(title="OpenBookQA, common knowledge", patterns=_gauntlet("openbook_qa"), item=choice)
WINOGRANDE = Choices(title="WinoGrande, who is meant", patterns=_gauntlet("winogrande"), item=schema, metrics=PLAIN)
HELLASWAG = Choices(
    title="HellaSwag, what comes next",
    patterns=("hellaswag_val_1000/hellaswag.jsonl", "hellaswag.jsonl"),
    item=ending,
)
