"""Quality against a cost: a mark for each contender, and the front of those that none beats in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from capotasto.report import kinds, svg
from capotasto.report.amounts import Amounts
from capotasto.report.axis import Axis
from capotasto.report.costs import Cost
from capotasto.report.frame import frame
from capotasto.report.metrics import Metric
from capotasto.report.whiskers import ticks

HEIGHT = 220
WIDTH = 300  # pixels: how wide a plot is at least, for labels that must not lie on one another
LABEL = (18, 13)  # pixels of a label


@dataclass(frozen=True, slots=True)
class Placed:
    """A contender in the plot: its place in the ranking, its name, kind, score and cost."""

    place: int
    name: str
    kind: str
    score: float
    cost: float


def front(points: Sequence[Placed], lower_is_better: bool, more_is_better: bool) -> list[Placed]:
    """The points that no other beats in score without costing more, from the cheapest to the best (Pareto)."""
    sign, way = (1 if lower_is_better else -1), (-1 if more_is_better else 1)
    kept: list[Placed] = []
    for point in sorted(points, key=lambda one: (way * one.cost, sign * one.score)):
        if not kept or sign * point.score < sign * kept[-1].score:
            kept.append(point)
    return kept


def tradeoff(points: Sequence[Placed], cost: Cost, metric: Metric, lower_is_better: bool) -> Markup:
    """Better is up. On the front, marks are full and joined; every mark has its place in the ranking beside it."""
    scale, axis = Amounts.of([one.cost for one in points]), Axis.around([one.score for one in points], margin=0.12)
    best = front(points, lower_is_better, cost.more_is_better)

    def at(one: Placed) -> tuple[float, float]:
        share = axis.share(one.score)
        return scale.share(one.cost), HEIGHT * (share if lower_is_better else 1 - share)

    rows = [(HEIGHT * (share if lower_is_better else 1 - share), words) for share, words in ticks(axis, metric, 5)]
    parts = frame(HEIGHT, scale.ticks(cost.short), rows)
    parts.append(svg.curve([at(one) for one in best], HEIGHT, "line front"))
    parts += [kinds.mark(one.kind, *at(one), one in best, f"{one.place}. {one.name}") for one in points]
    parts += _labels([(at(one), str(one.place)) for one in points])
    words = ", ".join(f"{one.name} ({cost.full(one.cost) if one.cost else 'none'})" for one in best)
    title = f"{metric.title} against {cost.title.lower()} of {len(points)} contenders. On the front: {words}."
    return svg.picture(HEIGHT + 24, title, "curves", parts)


def _labels(points: Sequence[tuple[tuple[float, float], str]]) -> list[Markup]:
    """Numbers beside the marks: on the side where they lie on nothing else, if there is one."""
    taken = [(x * WIDTH, y) for (x, y), _ in points]
    found = []
    for (x, y), words in points:
        places = [(x * WIDTH + dx, y + dy, dx, dy) for dx, dy in ((13, 0), (-13, 0), (0, -13), (0, 13), (12, 11))]
        free = [one for one in places if not any(_near(one[:2], other) for other in taken)]
        across, down, dx, dy = (free or places)[0]
        taken.append((across, down))
        found.append(svg.text(x, y, words, "place", dx=dx, dy=dy + 4, text_anchor="middle"))
    return found


def _near(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) < LABEL[0] * 0.7 and abs(one[1] - other[1]) < LABEL[1] * 0.8
