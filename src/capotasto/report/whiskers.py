"""Dot-and-whisker plots: a score and its interval as a dot on a bar."""

from collections.abc import Mapping

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.axis import Axis
from capotasto.report.metrics import Metric
from capotasto.report.run import Interval

ROW = 24  # pixels


def scores(rows: Mapping[str, Interval], metric: Metric) -> Markup:
    """The base's and the adapter's score (`rows` by "base" and "tuned") above a common axis."""
    axis = Axis.around([end for score in rows.values() for end in score.ends], margin=0.1)
    parts = [*_ticks(axis, metric, len(rows) * ROW)]
    for place, (name, score) in enumerate(rows.items()):
        middle = place * ROW + ROW / 2
        parts += [*whisker(axis, score, middle, name), svg.text(0, middle, name, dx=-56, dy=4)]
    words = "; ".join(f"{name} {described(score, metric)}" for name, score in rows.items())
    return svg.picture(len(rows) * ROW + 20, f"{metric.title}: {words}.", "whiskers", parts)


def difference(score: Interval, metric: Metric, axis: Axis) -> Markup:
    """A difference on an axis that holds zero, with zero drawn as a line."""
    zero = axis.share(0)
    marked = [svg.rule(zero, 0, zero, ROW, "line zero"), svg.text(zero, ROW + 14, "0", text_anchor="middle")]
    parts = [*marked, *whisker(axis, score, ROW / 2, "difference")]
    words = described(score, metric, signed=True)
    return svg.picture(ROW + 20, f"Change of {metric.title.lower()}: {words}; zero is marked.", "whiskers", parts)


def described(score: Interval, metric: Metric, signed: bool = False) -> str:
    """The score in words: `3.10 (2.95 to 3.25)`."""
    interval = metric.interval(score, signed)
    return metric.value(score, signed) + (f" ({interval})" if interval else "")


def ticks(axis: Axis, metric: Metric, wanted: int = 4) -> list[tuple[float, str]]:
    """(share of the axis, words) of round scores, shares of 100 for a metric in percent."""
    shown = Axis(axis.low * 100, axis.high * 100) if metric.percent else axis
    return [(shown.share(value), words) for value, words in shown.ticks(wanted)]


def whisker(axis: Axis, score: Interval, middle: float, class_: str, mark: str = "") -> list[Markup]:
    """A bar from end to end of the interval and `mark` on the value, left out: a dot."""
    low, high = axis.share(min(score.ends)), axis.share(max(score.ends))
    bar = [svg.rule(low, middle, high, middle, f"line {class_}")]
    ends = [svg.rule(x, middle - 4, x, middle + 4, f"line {class_}") for x in (low, high) if low < high]
    return [*bar, *ends, Markup(mark) or svg.dot(axis.share(score.value), middle, f"mark {class_}")]


def _ticks(axis: Axis, metric: Metric, foot: int) -> list[Markup]:
    places = ticks(axis, metric)
    return [svg.rule(x, 0, x, foot, "grid") for x, _ in places] + [
        svg.text(x, foot + 14, words, text_anchor="middle") for x, words in places
    ]
