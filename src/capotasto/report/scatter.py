"""Told against true numbers: a dot a row, with the line on which both are the same."""

from collections.abc import Sequence

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.axis import Axis
from capotasto.report.format import count
from capotasto.report.frame import frame

HEIGHT = 280
MOST = 1000  # dots; of more rows, evenly chosen ones are drawn


def scatter(true: Sequence[float], told: Sequence[float], name: str) -> Markup:
    """Both axes have the same range, so that the line runs from corner to corner."""
    axis = Axis.around([*true, *told])
    stride = -(-len(true) // MOST) or 1
    pairs = list(zip(true, told, strict=True))[::stride]
    parts = [*_grid(axis), svg.rule(0, HEIGHT, 1, 0, "line base dashed")]
    parts += [svg.dot(axis.share(x), _down(axis, y), "mark tuned faint") for x, y in pairs]
    words = f"Told against true {name} of {count(len(true))} rows; the dashed line is where both are the same."
    return svg.picture(HEIGHT + 40, words, "curves", parts)


def _down(axis: Axis, value: float) -> float:
    return HEIGHT * (1 - axis.share(value))


def _grid(axis: Axis) -> list[Markup]:
    columns = [(axis.share(value), words) for value, words in axis.ticks(5)]
    rows = [(_down(axis, value), words) for value, words in axis.ticks(5)]
    return frame(HEIGHT, columns, rows, "true")
