"""What an adapter breaks, within the page of a comparison: the change on each probe of an audit."""

from dataclasses import dataclass

from markupsafe import Markup
from pydantic import Field

from capotasto.report import svg
from capotasto.report.axis import Axis
from capotasto.report.metrics import Metric, metric
from capotasto.report.run import Interval, Part
from capotasto.report.whiskers import ROW, described, whisker


class Changed(Part):
    """One metric, tuned minus base."""

    change: Interval | None = None


class Probed(Part):
    """The scores of a probe, the most telling first."""

    scores: dict[str, Changed] = Field(default_factory=dict)


class Skills(Part):
    """What was found of an adapter: skill, probe, scores."""

    skills: dict[str, dict[str, Probed]] = Field(default_factory=dict)


class Titled(Part):
    """What a probe is called."""

    title: str = ""


class AuditRecord(Part):
    """What the panel needs of `audit.json`."""

    probes: dict[str, Titled] = Field(default_factory=dict)
    adapters: dict[str, Skills] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one probe's first metric."""

    adapter: str
    skill: str
    title: str
    metric: Metric
    score: Interval

    @property
    def word(self) -> str:
        """`better`, `worse`, `no clear difference`."""
        return self.metric.word(self.score)

    @property
    def value(self) -> str:
        """The change in print."""
        return self.metric.value(self.score, signed=True)

    def picture(self, axis: Axis) -> Markup:
        """The change with its interval, and zero as a line."""
        zero = axis.share(0)
        parts = [svg.rule(zero, 0, zero, ROW, "line zero"), *whisker(axis, self.score, ROW / 2, "difference")]
        said = described(self.score, self.metric, signed=True)
        return svg.picture(ROW, f"{self.title}, change of {self.metric.title.lower()}: {said}.", "bars", parts)


def panel(audit: AuditRecord) -> list[tuple[Axis, list[Change]]]:
    """The changes, in shares on one axis and in other units on another."""
    found = [
        Change(adapter, skill, audit.probes[name].title if name in audit.probes else name, metric(first), score.change)
        for adapter, one in audit.adapters.items()
        for skill, probes in one.skills.items()
        for name, probe in probes.items()
        for first, score in list(probe.scores.items())[:1]
        if score.change is not None
    ]
    units = [[one for one in found if one.metric.percent == percent] for percent in (True, False)]
    return [(Axis.around([0.0, *(end for one in unit for end in one.score.ends)]), unit) for unit in units if unit]
