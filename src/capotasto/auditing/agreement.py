"""Truthfulness: does an adapter answer questions outside its task as the bare base does?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto.auditing.files import picked
from capotasto.auditing.probe import Candidate, Comparison, Item, Tally
from capotasto.auditing.rows import prompt, renderers
from capotasto.auditing.truthfulqa import PATTERNS, question
from capotasto.decoding.settings import GenerateSettings
from capotasto.evaluate.questions import write
from capotasto.methods.adapter import Adapter
from capotasto.session import Base

TOKENS = 24  # of an answer at most
Answer = tuple[str, str]  # what was written, and what the bare base wrote


@dataclass(frozen=True, kw_only=True)
class Agreement(Comparison):
    """Questions of TruthfulQA, answered in writing, greedily, up to the end of a line."""

    def items(self, folder: Path, rows: int) -> list[Item]:
        """One question an item."""
        return picked(self.files(folder), _item, rows)

    def ask(self, base: Base, items: Sequence[Item], contenders: Sequence[Adapter | None]) -> list[list[Answer]]:
        """See `Comparison.ask`."""
        reading = renderers(base, contenders)
        settings = GenerateSettings(max_new_tokens=TOKENS)
        prompts = [prompt(one, item.candidates[0].context, TOKENS) for one in reading for item in items]
        carried = [one for one in contenders for _ in items]
        texts = write(base, reading[0], prompts, carried, settings, ["\n"])
        count = len(items)
        return [list(zip(texts[i * count : (i + 1) * count], texts[:count], strict=True)) for i in range(len(reading))]

    def tallies(self, items: Sequence[Item], answers: Sequence[Answer]) -> dict[str, Tally]:
        """Words in common with the base's answer, and answers that are the same to the letter."""
        return {
            "same_words": Tally.mean([overlap(*one) for one in answers]),
            "identical": Tally.mean([float(one.strip() == other.strip()) for one, other in answers]),
        }


def overlap(one: str, other: str) -> float:
    """F1 of the words of two texts, as SQuAD counts them (https://arxiv.org/abs/1606.05250, section 6.1), case apart;
    1 where both are empty."""
    words = [Counter(text.casefold().split()) for text in (one, other)]
    common, total = (words[0] & words[1]).total(), words[0].total() + words[1].total()
    return 2 * common / total if total else 1.0


def _item(values: dict[str, Any]) -> Item:
    return Item((Candidate(question(values["question"]), ""),))


AGREEMENT = Agreement(
    skill="truthfulness",
    title="The base’s own answers",
    patterns=PATTERNS,
    metrics=("same_words", "identical"),
)
