"""A comparison that is to be put into words: who was chosen among whom, with numbers as people read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capotasto.comparing.price import cheap
from capotasto.comparing.ranking import Ranking
from capotasto.evaluate.paired import Contrast
from capotasto.report.metrics import Metric, metric
from capotasto.report.run import Interval

TRAINED = ("training", "ensemble")


@dataclass(frozen=True)
class Case:
    """What sentences are made from.

    record: `compare.json`
    everyone, open: the rankings of all contenders, and of those that may be chosen
    choice: who was chosen
    alike:  who gives all rows the same label, though they have several
    """

    record: Mapping[str, Any]
    everyone: Ranking
    open: Ranking
    choice: str
    alike: Sequence[str] = ()

    def contender(self, name: str) -> Mapping[str, Any]:
        """What the record says of a contender."""
        return next(one for one in self.record["contenders"] if one["name"] == name)

    def answered(self, name: str) -> bool:
        """What the user said to one of the three questions."""
        return bool((self.record.get("wizard") or {}).get(name))

    @property
    def field(self) -> str:
        """Among whom was chosen: `12 contenders`."""
        limited = " that may be chosen" if len(self.open.names) < len(self.everyone.names) else ""
        return f"{len(self.open.names)} contenders{limited}"

    @property
    def metric(self) -> Metric:
        """The decisive metric."""
        return metric(self.record["metric"])

    @property
    def title(self) -> str:
        """The decisive metric within a sentence."""
        title = self.metric.title
        return title if title[:2].isupper() else title[0].lower() + title[1:]

    def score(self, name: str) -> str:
        """A contender's score: `94.5 % (91.0 to 97.2)`."""
        known = self.contender(name)["scores"].get(self.record["metric"])
        found = Interval(**known) if known else Interval(value=self._value(name))
        ends = self.metric.interval(found)
        return self.metric.value(found) + (f" ({ends})" if ends else "")

    def _value(self, name: str) -> float:
        return float(self.everyone.values[self.everyone.names.index(name), 0])

    def gap(self, found: Contrast) -> str:
        """A difference: `+22.5 points (+15.0 to +30.0)`."""
        shown = Interval(value=found.value, low=found.low, high=found.high)
        return f"{self.metric.value(shown, signed=True)} ({self.metric.interval(shown, signed=True)})"

    def better(self, found: Contrast) -> bool:
        """Whether a difference says clearly that the first of the two is better."""
        return found.is_clear and (found.value < 0) == self.everyone.lower_is_better

    @property
    def is_cheap(self) -> bool:
        """Whether none of those that cannot be told from the best costs clearly less than the choice."""
        return self.choice in cheap({name: self.contender(name)["costs"] for name in self.open.level})

    def first(self, trained: bool) -> str | None:
        """The best of those that were trained, or of those that were not."""
        return next((name for name in self.everyone.names if is_trained(self.contender(name)) == trained), None)


def is_trained(contender: Mapping[str, Any]) -> bool:
    """Whether anything was trained for it, so that it needs an adapter."""
    return contender["kind"] in TRAINED or bool(contender["costs"].get("train_seconds"))
