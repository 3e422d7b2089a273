"""Who did how well on the same rows: all contenders, best first, with the differences between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from capotasto.comparing.price import price
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import resamples
from capotasto.evaluate.paired import LEVEL, Contrast, against, against_best, holm, resampled
from capotasto.report.compare import BASE


@dataclass(frozen=True)
class Ranking:
    """Contenders that answered the same rows.

    names:  best first; of equals, the one with the lower price
    values: [K, R] score of each in each resample, in the order of the names
    rows:   how many rows they answered; those that ask the same and get one answer count as one
    lower_is_better: of the scores
    """

    names: list[str]
    values: np.ndarray
    rows: int
    lower_is_better: bool

    @cached_property
    def against_base(self) -> dict[str, Contrast]:
        """Each contender minus the base, with p-values after Holm's correction over all; empty without a base."""
        if BASE not in self.names:
            return {}
        others = [name for name in self.names if name != BASE]
        found = against(self._of(others), self._of([BASE])[0], self.rows)
        corrected = holm(np.array([one.p for one in found]))
        return {
            name: Contrast(one.value, one.low, one.high, float(p))
            for name, one, p in zip(others, found, corrected, strict=True)
        }

    @cached_property
    def against_best(self) -> dict[str, Contrast]:
        """Each contender minus the best, the others only."""
        found = against_best(self.values, 0, self.rows)
        return dict(list(zip(self.names, found, strict=True))[1:])

    @property
    def level(self) -> list[str]:
        """The contenders that cannot be told from the best, and the best itself, best first.

        The base is none of them where the best is clearly another by the correction over all contenders.
        """
        best = self.names[0]
        ahead = best in self.against_base and self.against_base[best].p < LEVEL
        told = {name for name, one in self.against_best.items() if one.is_clear or (name == BASE and ahead)}
        return [name for name in self.names if name not in told]

    def among(self, names: Iterable[str]) -> "Ranking":
        """The same for some of them."""
        wanted = set(names)
        kept = [name for name in self.names if name in wanted]
        return Ranking(kept, self._of(kept), self.rows, self.lower_is_better)

    def _of(self, names: list[str]) -> np.ndarray:
        return self.values[[self.names.index(name) for name in names]]


def ranking(record: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> Ranking:
    """The contenders of a comparison that are done. record: `compare.json`; answers: `answers.json` by contender."""
    rows, lower = len(record["rows"]), bool(record["lower_is_better"])
    prompts = None if record.get("prompts") is None else np.unique(record["prompts"], return_inverse=True)[1]
    weights = resamples(rows, prompts=prompts) if rows else np.zeros((1, 0))
    done = {one["name"]: one for one in record["contenders"] if one["status"] == "done" and one["name"] in answers}
    values = {
        name: resampled(
            record["metric"], _answers(answers[name], record, prompts), _array(answers[name], "quality"), weights
        )
        for name in (done if rows else ())
    }
    sign = 1 if lower else -1
    names = sorted(values, key=lambda name: (sign * values[name][0], price(done[name]["costs"]), name))
    table = np.array([values[name] for name in names]).reshape(len(names), len(weights))
    return Ranking(names, table, rows if prompts is None else len(set(prompts.tolist())), lower)


def _answers(sheet: Mapping[str, Any], record: Mapping[str, Any], prompts: np.ndarray | None) -> Answers:
    nats, tokens, chosen, truth = (
        None if sheet.get(name) is None else _array(sheet, name) for name in ("nats", "tokens", "chosen", "truth")
    )
    if chosen is not None:
        chosen = np.where(chosen < 0, -2, chosen)  # none was chosen; -1 would equal a true label that is unknown
    return Answers(nats, tokens, chosen, truth, classes=len(record["data"].get("labels") or ()), prompts=prompts)


def _array(sheet: Mapping[str, Any], name: str) -> np.ndarray:
    return np.array(sheet[name])
