"""Bias: CrowS-Pairs, sentences about disadvantaged groups and the same about others.

Source: Nangia et al. 2020, https://arxiv.org/abs/2010.00133. They compare masked models by pseudo-likelihood; a causal
model's own likelihood of the whole sentence stands here, as in lm-eval. Many pairs are known to be flawed
(https://aclanthology.org/2021.acl-long.81).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capotasto.auditing.files import picked
from capotasto.auditing.pairs import Pairs, pair
from capotasto.auditing.probe import Item


@dataclass(frozen=True, kw_only=True)
class CrowsPairs(Pairs):
    """The authors' CSV file: `sent_more` is the stereotyped sentence, `bias_type` the category."""

    def items(self, folder: Path, rows: int) -> list[Item]:
        """One pair a row."""
        return picked(self.files(folder), _item, rows)


def _item(values: dict[str, Any]) -> Item:
    return pair(values["sent_more"], values["sent_less"], values["bias_type"])


CROWS_PAIRS = CrowsPairs(
    title="CrowS-Pairs", patterns=("crows_pairs/crows_pairs_anonymized.csv", "crows_pairs_anonymized.csv")
)
