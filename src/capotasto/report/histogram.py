"""The plot of how long the rows are, in tokens."""

import math
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.axis import Axis, round_step
from capotasto.report.format import SPACE, count

HEIGHT = 140
BARS = 24  # at most


def histogram(lengths: Sequence[int], title: str) -> Markup:
    """How many rows have which length in tokens."""
    width, bars = bins(lengths)
    x_axis = Axis(min(bars) * width, (max(bars) + 1) * width)
    y_axis = Axis(0, max(bars.values()) * 1.08)
    parts = _grid(x_axis, y_axis, shift=0.5 if width == 1 else 0)  # a bar of one length stands over its number
    for place, rows in sorted(bars.items()):
        left, right = x_axis.share(place * width), x_axis.share((place + 1) * width)
        parts.append(
            _bar(left, right, rows / y_axis.high * HEIGHT, f"{_span(place, width)} tokens: {count(rows)} rows")
        )
    return svg.picture(HEIGHT + 38, f"{title}: tokens per row. {summary(lengths)}.", "histogram", parts)


def bins(lengths: Sequence[int]) -> tuple[int, Counter[int]]:
    """The width of a bar in tokens, and how many lengths fall into each: bar `n` starts at `n × width`."""
    width = math.ceil(round_step(max(1, (max(lengths) - min(lengths) + 1) / BARS)))
    return width, Counter(length // width for length in lengths)


def summary(lengths: Sequence[int]) -> str:
    """The lengths in a line: middle, 95 of 100, longest."""
    ordered = sorted(lengths)
    middle, most = ordered[(len(ordered) - 1) // 2], ordered[math.ceil(0.95 * len(ordered)) - 1]
    middle_words, most_words, longest = (count(length) for length in (middle, most, ordered[-1]))
    return f"Half of the rows have up to {middle_words} tokens, 95{SPACE}% up to {most_words}, the longest {longest}"


def _span(place: int, width: int) -> str:
    first = count(place * width)
    return first if width == 1 else f"{first} to {count((place + 1) * width - 1)}"


def _bar(left: float, right: float, height: float, words: str) -> Markup:
    box: dict[str, str | float] = {
        "x": svg.across(left),
        "width": svg.across(right - left),
        "y": HEIGHT - height,
        "height": height,
    }
    return svg.tag("rect", svg.tag("title", words), class_="bar", **box)


def _grid(x_axis: Axis, y_axis: Axis, shift: float) -> list[Markup]:
    rows = [(HEIGHT * (1 - y_axis.share(value)), words) for value, words in y_axis.ticks(4) if value == int(value)]
    ticks = [(value, words) for value, words in x_axis.ticks(5) if value == int(value) and value + shift < x_axis.high]
    columns = [(x_axis.share(value + shift), words) for value, words in ticks]
    return (
        [svg.rule(0, y, 1, y, "grid") for y, _ in rows]
        + [svg.text(0, y, words, dx=-8, dy=4, text_anchor="end") for y, words in rows]
        + [svg.text(x, HEIGHT + 18, words, text_anchor="middle") for x, words in columns]
        + [svg.text(0.5, HEIGHT + 35, "tokens", text_anchor="middle")]
    )
