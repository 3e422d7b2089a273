"""Whether a contender is right as often as it says: a reliability diagram and the expected calibration error."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.frame import frame

HEIGHT = 170
BINS = 10  # of equal width


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose highest probability lies in one tenth: how many, its mean, and the share that was right."""

    rows: int
    told: float
    right: float


def bins(chances: Sequence[Sequence[float]], truth: Sequence[int]) -> list[Bin]:
    """[N, C] log-probabilities, which need not sum to one, and [N] true labels → the tenths that hold rows."""
    groups: dict[int, list[tuple[float, bool]]] = {}
    for row, true in zip(chances, truth, strict=True):
        highest = max(range(len(row)), key=row.__getitem__)
        told = 1 / sum(math.exp(chance - row[highest]) for chance in row)
        groups.setdefault(min(BINS - 1, int(told * BINS)), []).append((told, highest == true))
    return [
        Bin(len(rows), sum(told for told, _ in rows) / len(rows), sum(right for _, right in rows) / len(rows))
        for _, rows in sorted(groups.items())
    ]


def calibration_error(found: Sequence[Bin]) -> float:
    """How far what is told is from what is right on average, 0 to 1 (ECE; Guo et al. 2017, section 2,
    https://arxiv.org/abs/1706.04599)."""
    return sum(one.rows * abs(one.told - one.right) for one in found) / sum(one.rows for one in found)


def reliability(found: Sequence[Bin], name: str, kind: str) -> Markup:
    """Share of right answers against the told probability; on the dashed line both are the same, and the bars at the
    foot say how many rows a dot stands for."""
    ticks = [(0.0, "0"), (0.5, "50 %"), (1.0, "100 %")]
    parts = frame(HEIGHT, ticks, [(HEIGHT * (1 - share), words) for share, words in ticks])
    rows = sum(one.rows for one in found)
    for one in found:
        height, left = 0.3 * HEIGHT * one.rows / rows, min(BINS - 1, int(one.told * BINS)) / BINS
        place: dict[str, str | float] = {"x": svg.across(left), "y": HEIGHT - height, "height": height}
        parts.append(svg.tag("rect", width=svg.across(1 / BINS), class_="bar faint", **place))
    parts.append(svg.rule(0, HEIGHT, 1, 0, "line zero dashed"))
    places = [(one.told, HEIGHT * (1 - one.right)) for one in found]
    parts.append(svg.curve(places, HEIGHT, f"line {kind}"))
    for one, (x, y) in zip(found, places, strict=True):
        words = f"told {100 * one.told:.0f} %, right {100 * one.right:.0f} %, {one.rows} rows"
        parts.append(svg.dot(x, y, f"mark full {kind}", words))
    error = 100 * calibration_error(found)
    return svg.picture(
        HEIGHT + 24, f"Reliability of {name}: expected calibration error {error:.1f} %.", "curves", parts
    )
