"""Scores over the number of training rows: whether more data would help."""

from collections.abc import Sequence

from markupsafe import Markup

from capotasto.report import format, kinds, svg
from capotasto.report.amounts import Amounts
from capotasto.report.axis import Axis
from capotasto.report.compare import Point
from capotasto.report.frame import frame
from capotasto.report.metrics import Metric
from capotasto.report.whiskers import ticks

HEIGHT = 240


def learning(name: str, kind: str, points: Sequence[Point], base: float | None, metric: Metric) -> Markup:
    """Score with its interval against rows, rows by their orders of magnitude; the base alone as a dashed line."""
    ordered = sorted(points, key=lambda point: point.rows)
    levels = [] if base is None else [base]
    axis = Axis.around([end for point in ordered for end in point.ends] + levels)
    scale = Amounts.of([point.rows for point in ordered])
    columns = [(scale.share(point.rows), format.count(point.rows)) for point in ordered]
    rows = [(HEIGHT * (1 - share), words) for share, words in ticks(axis, metric, 5)]
    parts = frame(HEIGHT, columns, rows, "training rows")
    if base is not None:
        parts.append(svg.rule(0, _down(axis, base), 1, _down(axis, base), "line base dashed"))
    places = [(scale.share(point.rows), _down(axis, point.value)) for point in ordered]
    class_ = kinds.colour(kind)
    parts.append(svg.curve(places, HEIGHT, f"line {class_}"))
    for point, (x, y) in zip(ordered, places, strict=True):
        low, high = _down(axis, min(point.ends)), _down(axis, max(point.ends))
        parts += [svg.rule(x, low, x, high, f"line {class_}"), kinds.mark(kind, x, y, True)]
    said = ", ".join(f"{metric.value(point)} with {format.count(point.rows)}" for point in ordered)
    return svg.picture(HEIGHT + 40, f"{metric.title} of {name} over training rows: {said}.", "curves", parts)


def _down(axis: Axis, value: float) -> float:
    return HEIGHT * (1 - axis.share(value))
