"""Bias: WinoBias, sentences in which a pronoun fits the stereotype of an occupation or goes against it.

Source: Zhao et al. 2018, https://arxiv.org/abs/1804.06876. They ask a system of coreference; a language model is asked
here which of both sentences it finds likelier.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from capotasto.auditing.files import spread
from capotasto.auditing.pairs import Pairs, pair
from capotasto.auditing.probe import AbsentError, Item
from capotasto.data.readers.file_text import read_text
from capotasto.errors import DataError


@dataclass(frozen=True, kw_only=True)
class WinoBias(Pairs):
    """The authors' text files: line by line a pro-stereotyped sentence and, in the other file, its counterpart."""

    def items(self, folder: Path, rows: int) -> list[Item]:
        """Pairs of both types, where both are there."""
        found = [item for path in self.files(folder) for item in _pairs(path)]
        return spread(found, rows)


def _pairs(path: Path) -> list[Item]:
    other = path.with_name(path.name.replace("pro_", "anti_", 1))
    if not other.is_file():
        raise AbsentError(f"no {other.name} beside {path}")
    pro, anti = (_sentences(one) for one in (path, other))
    if len(pro) != len(anti):
        raise DataError(f"{path} has {len(pro)} lines and {other.name} {len(anti)}; take both from their source again")
    kind = "type 1" if "type1" in path.name else "type 2"
    return [pair(one, two, kind) for one, two in zip(pro, anti, strict=True)]


def _sentences(path: Path) -> list[str]:
    """Without the number before each and the brackets around the mentions."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    return [re.sub(r"[\[\]]", "", re.sub(r"^\d+ ", "", line)).strip() for line in lines]


WINOBIAS = WinoBias(
    title="WinoBias",
    patterns=("winobias/pro_stereotyped_type*.txt.test", "pro_stereotyped_type*.txt.test"),
)
