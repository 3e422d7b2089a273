"""What stands around the points of a plot: lines across, and words below and at the left."""

from collections.abc import Sequence

from markupsafe import Markup

from capotasto.report import svg

Ticks = Sequence[tuple[float, str]]


def frame(height: int, columns: Ticks, rows: Ticks, title: str = "") -> list[Markup]:
    """columns: (share of the width, words) below; rows: (pixels from the top, words) at the left; a title below all."""
    return [
        *(svg.rule(0, y, 1, y, "grid") for y, _ in rows),
        *(svg.text(0, y, words, dx=-8, dy=4, text_anchor="end") for y, words in rows),
        *(svg.text(x, height + 18, words, text_anchor="middle") for x, words in columns),
        *([svg.text(0.5, height + 37, title, text_anchor="middle")] if title else []),
    ]
