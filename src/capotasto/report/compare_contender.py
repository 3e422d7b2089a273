"""A contender of a comparison as the page shows it."""

from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from capotasto.report import confusion, format, kinds, reliability, svg
from capotasto.report.axis import Axis
from capotasto.report.compare import Against, Comparison, Contender
from capotasto.report.costs import COSTS
from capotasto.report.flips import Flips, bars, flips
from capotasto.report.metrics import Metric
from capotasto.report.run import Interval
from capotasto.report.whiskers import ROW, described, whisker

CLEAR = 0.05  # below, a p-value counts


@dataclass(frozen=True)
class ContenderView:
    """What the template asks of a contender that is done.

    place: in the ranking, from 1 on
    base:  the base alone, where it was among the contenders
    """

    found: Comparison
    own: Contender
    base: Contender | None
    metric: Metric
    place: int

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name

    @property
    def score(self) -> Interval | None:
        """Its score in the decisive metric."""
        return self.own.scores.get(self.found.metric)

    @property
    def value(self) -> tuple[str, str]:
        """The score and its interval in print."""
        return (self.metric.value(self.score), self.metric.interval(self.score)) if self.score else (format.MISSING, "")

    @property
    def legend(self) -> Markup:
        """The mark of its kind."""
        return kinds.legend(self.own.kind)

    @property
    def against(self) -> Against:
        """Its differences to the base and to the best."""
        return self.found.comparisons.get(self.name, Against())

    @property
    def differs(self) -> bool:
        """True where it differs from the base after the correction over all contenders."""
        one = self.against.against_base
        return one is not None and one.p < CLEAR

    @property
    def may_be_best(self) -> bool:
        """True for the best, and where the interval of the difference to it holds zero."""
        one = self.against.against_best
        return one.low <= 0 <= one.high if one else self.place == 1

    @property
    def words(self) -> list[tuple[str, str]]:
        """(class, words): what the differences say."""
        one = self.against.against_base
        said = [("chosen", "recommended")] if self.found.recommendation.choice == self.name else []
        if self.base is not None and self.name == self.base.name:
            return [*said, ("neutral", "the base alone")]
        if one is not None:
            better = self.differs and (one.value < 0) == self.found.lower_is_better
            word = (
                "better than the base"
                if better
                else "worse than the base"
                if self.differs
                else "not told from the base"
            )
            said.append(
                (
                    "better" if better else "worse" if self.differs else "neutral",
                    f"{word}, {format.chance(one.p)}",
                )
            )
        return said

    def whisker(self, axis: Axis) -> Markup:
        """Its score on the axis of all; full where it differs from the base, whose score is a dashed line."""
        if self.score is None:
            return Markup()
        level = self.base.scores.get(self.found.metric) if self.base else None
        line = [svg.rule(axis.share(level.value), 0, axis.share(level.value), ROW, "line base dashed")] if level else []
        place = axis.share(self.score.value)
        mark = kinds.mark(self.own.kind, place, ROW / 2, self.differs)
        parts = [*line, *whisker(axis, self.score, ROW / 2, kinds.colour(self.own.kind), mark)]
        return svg.picture(ROW, f"{self.name}: {described(self.score, self.metric)}.", "bars", parts)

    @cached_property
    def flips(self) -> Flips | None:
        """What it changed against the base; None for the base itself."""
        if self.base is None or self.name == self.base.name:
            return None
        return flips(self.found, self.base.sheet, self.own.sheet)

    def flip_bars(self, most: int) -> Markup:
        """The counts of what it changed as bars."""
        return bars(self.flips, most, len(self.found.units)) if self.flips else Markup()

    @cached_property
    def matrix(self) -> list[list[int]]:
        """[C, C] how often each true label was taken for each; empty without labels."""
        sheet, labels = self.own.sheet, self.found.data.labels
        if not (sheet.chosen and sheet.truth and labels):
            return []
        counts = [[0] * len(labels) for _ in labels]
        for true, chosen in zip(sheet.truth, sheet.chosen, strict=True):
            if true >= 0 and chosen >= 0:
                counts[true][chosen] += 1
        return counts

    @property
    def heat(self) -> list[tuple[str, list[confusion.Cell]]]:
        """The matrix as labelled rows; empty where there is none or it is too large."""
        return list(zip(self.found.data.labels, confusion.heat(self.matrix), strict=False))

    @property
    def mistakes(self) -> list[confusion.Mistake]:
        """The most frequent mistakes."""
        return confusion.mistakes(self.matrix, self.found.data.labels)

    @cached_property
    def bins(self) -> list[reliability.Bin]:
        """Told probabilities by tenths; empty where none were told."""
        sheet = self.own.sheet
        return reliability.bins(sheet.chances, sheet.truth) if sheet.chances and sheet.truth else []

    @property
    def diagram(self) -> Markup:
        """The reliability diagram."""
        return reliability.reliability(self.bins, self.name, kinds.colour(self.own.kind))

    @property
    def calibration_error(self) -> str:
        """The expected calibration error in print."""
        return f"{100 * reliability.calibration_error(self.bins):.1f}{format.SPACE}%"

    @property
    def costs(self) -> list[str]:
        """All costs in print, in the order of COSTS."""
        return [cost.shown(self.own.costs) for cost in COSTS]

    @property
    def settings(self) -> str:
        """What was chosen for it, in a line."""
        return ", ".join(f"{name} {format.short(value)}" for name, value in self.own.settings.items())
