"""Forgetting: the last word of a passage that only the whole passage tells (LAMBADA).

Source: Paperno et al. 2016, https://arxiv.org/abs/1606.06031. As in lm-eval, a word is found where greedy decoding
writes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto.auditing.files import picked
from capotasto.auditing.general_text import loss
from capotasto.auditing.likelihood import Likelihood, Scores
from capotasto.auditing.probe import Candidate, Item, Tally


@dataclass(frozen=True, kw_only=True)
class LastWord(Likelihood):
    """JSON lines of `context` and `continuation`."""

    def items(self, folder: Path, rows: int) -> list[Item]:
        """One candidate an item: the word."""
        return picked(self.files(folder), _item, rows)

    def tallies(self, items: Sequence[Item], answers: Sequence[Scores]) -> dict[str, Tally]:
        """The share of words that are found, and the nats per token of the words."""
        return {
            "accuracy": Tally.mean([float(bool(one.greedy is not None and one.greedy[0])) for one in answers]),
            "loss": loss(answers),
        }


def _item(values: dict[str, Any]) -> Item:
    return Item((Candidate(values["context"].rstrip(), " " + values["continuation"].strip(), "right"),))


LAMBADA = LastWord(
    skill="forgetting",
    title="LAMBADA, the last word",
    patterns=("eval_gauntlet/lambada_openai.jsonl", "lambada_openai.jsonl"),
    metrics=("accuracy", "loss"),
    greedy=True,
)
