"""The plot of the losses while learning, against the bare base's loss."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.axis import Axis
from capotasto.report.format import count, number
from capotasto.report.frame import frame

HEIGHT = 280
FINEST = 600  # points; a longer run is drawn as means of consecutive steps
FEWEST_FOR_A_TREND = 40  # points; fewer are marked one by one

Losses = Mapping[int, float]  # loss by step, in nats per supervised token


def curves(training: Losses, held_out: Losses, base: float | None, best_step: int | None) -> Markup:
    """Loss against step: training, held-out rows, the base as a dashed line, the best step marked."""
    lines: list[svg.Points] = [condensed(sorted(training.items())), sorted(held_out.items())]
    levels = [] if base is None else [base]
    y_axis = Axis.around([loss for line in lines for _, loss in line] + levels)
    x_axis = Axis(0, max([1, *training, *held_out]))
    parts = [*_grid(x_axis, y_axis)]
    if base is not None:
        parts.append(svg.rule(0, _down(y_axis, base), 1, _down(y_axis, base), "line base dashed"))
    seen, unseen = ([(x_axis.share(step), _down(y_axis, loss)) for step, loss in line] for line in lines)
    parts += _training(seen) + _line(unseen, "tuned")
    if best_step is not None and best_step <= x_axis.high:
        parts += _best(x_axis.share(best_step), best_step)
    return svg.picture(HEIGHT + 40, _description(training, held_out, base, best_step), "curves", parts)


def _down(axis: Axis, value: float) -> float:
    return HEIGHT * (1 - axis.share(value))


def _grid(x_axis: Axis, y_axis: Axis) -> list[Markup]:
    rows = [(_down(y_axis, value), words) for value, words in y_axis.ticks(5)]
    columns = [(x_axis.share(value), words) for value, words in x_axis.ticks(5) if value == int(value)]
    return frame(HEIGHT, columns, rows, "step")


def _training(places: svg.Points) -> list[Markup]:
    """Every step; where there are enough of them to have a trend, faintly below a running mean."""
    if len(places) < FEWEST_FOR_A_TREND:
        return _line(places, "training")
    smooth = running_mean(places, len(places) // 20)
    return [svg.curve(places, HEIGHT, "line training faint"), svg.curve(smooth, HEIGHT, "line training")]


def _line(places: svg.Points, class_: str) -> list[Markup]:
    dots = [svg.dot(x, y, f"mark {class_}") for x, y in places] if len(places) < FEWEST_FOR_A_TREND else []
    return [svg.curve(places, HEIGHT, f"line {class_}"), *dots] if places else []


def _best(x: float, step: int) -> list[Markup]:
    late = x > 0.6
    words = svg.text(x, 10, f"best: step {count(step)}", dx=-6 if late else 6, text_anchor="end" if late else "start")
    return [svg.rule(x, 0, x, HEIGHT, "line best"), words]


def condensed(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most FINEST points: means over runs of consecutive ones."""
    stride = -(-len(points) // FINEST) or 1
    groups = [points[start : start + stride] for start in range(0, len(points), stride)]
    return [(_mean([x for x, _ in group]), _mean([y for _, y in group])) for group in groups]


def running_mean(points: svg.Points, reach: int) -> list[tuple[float, float]]:
    """Each y replaced by the mean over `reach` points to both sides; points without that many are left out."""
    return [
        (points[place][0], _mean([y for _, y in points[place - reach : place + reach + 1]]))
        for place in range(reach, len(points) - reach)
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _description(training: Losses, held_out: Losses, base: float | None, best_step: int | None) -> str:
    parts = ["Loss against training step."]
    for name, losses in (("Training", training), ("Held-out", held_out)):
        if losses:
            parts.append(f"{name} loss from {number(losses[min(losses)])} to {number(losses[max(losses)])}.")
    if base is not None:
        parts.append(f"The base's loss is {number(base)}.")
    if best_step is not None:
        parts.append(f"The best step is {count(best_step)}.")
    return " ".join(parts)
