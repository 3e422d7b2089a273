"""A comparison as its template shows it: texts and pictures, nothing left to compute."""

from functools import cached_property

from markupsafe import Markup

from capotasto.report import kinds, svg
from capotasto.report.audit_view import AdapterView, AuditView
from capotasto.report.axis import Axis
from capotasto.report.compare import BASE, Comparison, Contender
from capotasto.report.compare_contender import ContenderView
from capotasto.report.compare_facts import compare_facts
from capotasto.report.costs import COSTS, Cost
from capotasto.report.facts import Facts
from capotasto.report.flips import most
from capotasto.report.learning import learning
from capotasto.report.metrics import metric
from capotasto.report.tradeoff import Placed, tradeoff
from capotasto.report.whiskers import ticks

FOOT = 22  # pixels of the axis below the ranking


class CompareView:
    """What the template asks of a comparison."""

    def __init__(self, found: Comparison):
        self.found = found
        self.metric = metric(found.metric)
        self.bare = next((one for one in found.contenders if one.name == BASE and one.status == "done"), None)

    @cached_property
    def ranked(self) -> list[ContenderView]:
        """The contenders that are done, best first."""
        done = {one.name for one in self.found.contenders if one.status == "done"}
        names = [name for name in self.found.ranking if name in done]
        return [
            ContenderView(self.found, self.found.contender(name), self.bare, self.metric, place)
            for place, name in enumerate(names, start=1)
        ]

    @property
    def left_out(self) -> list[Contender]:
        """The contenders that were skipped or failed."""
        return [one for one in self.found.contenders if one.status != "done"]

    @property
    def status(self) -> tuple[str, str]:
        """(class, words) of the recommendation."""
        choice = self.found.recommendation.choice
        return ("better", f"Recommended: {choice}") if choice else ("neutral", "No recommendation")

    @property
    def legend(self) -> list[tuple[Markup, str]]:
        """Mark and name of each kind that is there."""
        present = dict.fromkeys(one.own.kind for one in self.ranked)
        return [(kinds.legend(kind), kind) for kind in present if kind]

    @cached_property
    def axis(self) -> Axis:
        """An axis for everyone's score."""
        return Axis.around([end for one in self.ranked if one.score for end in one.score.ends] or [0.0], margin=0.05)

    @property
    def scale(self) -> Markup:
        """The numbers below the ranking."""
        places = ticks(self.axis, self.metric, 5)
        parts = [svg.text(x, 14, words, text_anchor="middle") for x, words in places]
        return svg.picture(FOOT, f"Axis of {self.metric.title.lower()}.", "bars", parts)

    @cached_property
    def tradeoffs(self) -> list[tuple[Cost, Markup]]:
        """A plot for each cost that is known of two contenders at least."""
        plots = [(cost, self._placed(cost)) for cost in COSTS if cost.plotted]
        lower = self.found.lower_is_better
        return [(cost, tradeoff(points, cost, self.metric, lower)) for cost, points in plots if len(points) > 1]

    def _placed(self, cost: Cost) -> list[Placed]:
        known = [(one, cost.of(one.own.costs)) for one in self.ranked]
        if not any(value for _, value in known):
            return []
        return [
            Placed(one.place, one.name, one.own.kind, one.score.value, value)
            for one, value in known
            if one.score and value is not None
        ]

    @property
    def learning(self) -> list[tuple[str, Markup]]:
        """Name and picture of each learning curve."""
        score = self.bare.scores.get(self.found.metric) if self.bare else None
        level = score.value if score else None
        kind = {one.name: one.kind for one in self.found.contenders}
        curves = [(one.contender, one.points) for one in self.found.curve if one.points]
        return [(name, learning(name, kind.get(name, ""), points, level, self.metric)) for name, points in curves]

    @property
    def most_flips(self) -> int:
        """What the longest bar of changed rows stands for."""
        return most([one.flips for one in self.ranked if one.flips])

    @property
    def calibrated(self) -> list[ContenderView]:
        """The contenders that told probabilities."""
        return [one for one in self.ranked if one.bins]

    @property
    def confused(self) -> list[ContenderView]:
        """The contenders that chose among labels, the recommended one first."""
        with_labels = [one for one in self.ranked if one.matrix]
        return sorted(with_labels, key=lambda one: one.name != self.found.recommendation.choice)

    @property
    def audited(self) -> list[AdapterView]:
        """What an audit of the best adapter found; empty without an audit."""
        return AuditView(self.found.audit).adapters if self.found.audit else []

    @property
    def costs(self) -> tuple[Cost, ...]:
        """The costs, as the table's columns have them."""
        return COSTS

    @property
    def facts(self) -> dict[str, Facts]:
        """What was compared, by heading."""
        return compare_facts(self.found)
