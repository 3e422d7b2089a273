"""Many changes below one another: each a dot with its interval, all on one axis with zero marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.axis import Axis
from capotasto.report.metrics import Metric
from capotasto.report.run import Interval
from capotasto.report.whiskers import described, ticks, whisker

ROW = 46  # pixels: a line of words, and the whisker below it
LABEL, MIDDLE = 14, 28  # where in its row the words stand, and the whisker


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, tuned minus base. Those of one picture are in the same unit."""

    label: str
    metric: Metric
    score: Interval

    @property
    def words(self) -> str:
        """`−8.3 points, worse`, or the number alone where nothing is clear."""
        value, word = self.metric.value(self.score, signed=True), self.metric.word(self.score)
        return value if word == "no clear difference" else f"{value}, {word}"


def changes(rows: Sequence[Change]) -> Markup:
    """The picture. The label stands above each whisker, so that it is readable on a phone too."""
    axis = Axis.around([0.0, *(end for row in rows for end in row.score.ends)])
    foot = len(rows) * ROW
    zero = axis.share(0)
    parts = [svg.rule(zero, 0, zero, foot, "line zero")]
    for x, words in ticks(axis, rows[0].metric):
        parts += [svg.rule(x, 0, x, foot, "grid"), svg.text(x, foot + 14, words, text_anchor="middle")]
    for place, row in enumerate(rows):
        top = place * ROW
        word = row.metric.word(row.score).split()[0]
        parts += [
            svg.text(0, top + LABEL, row.label, "name"),
            svg.text(1, top + LABEL, row.words, word, text_anchor="end"),
            *whisker(axis, row.score, top + MIDDLE, word),
        ]
    said = "; ".join(f"{row.label} {described(row.score, row.metric, signed=True)}" for row in rows)
    return svg.picture(foot + 20, f"Changes: {said}; zero is marked.", "changes", parts)
