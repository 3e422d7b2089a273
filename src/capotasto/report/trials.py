"""The plots of a search: all learning curves, loss against each setting, who learned when."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup

from capotasto.report import format, svg
from capotasto.report.axis import Axis
from capotasto.report.frame import frame
from capotasto.report.scale import Scale

if TYPE_CHECKING:
    from capotasto.report.search import Span, Trial

HEIGHT = 260
ROW = 18  # pixels of a trial's row in the timeline
NARROW = 5  # ticks of an axis


def loss_axis(losses: Sequence[float]) -> Axis:
    """From the lowest loss up to well above the middle one: what lies higher is drawn at the upper edge."""
    middle = median(losses)
    top = min(max(losses), middle + 2 * (middle - min(losses)))
    return Axis.around([min(losses), top])


def curves(trials: Sequence["Trial"], winner: str) -> Markup:
    """Held-out loss against the share of a trial's full length; the winner's line stands out."""
    looks = [loss for trial in trials for _, loss in trial.known_looks]
    axis = loss_axis(looks)
    quarters = [(part / 4, f"{25 * part} %") for part in range(5)]
    parts = frame(HEIGHT, quarters, _rows(axis), "share of a full training")
    for trial in sorted(trials, key=lambda trial: trial.name == winner):
        kind = "tuned" if trial.name == winner else "training"
        places = [(step / trial.steps, _down(axis, loss)) for step, loss in trial.known_looks]
        faint = "" if trial.name == winner else " faint"
        parts += [svg.curve(places, HEIGHT, f"line {kind}{faint}")] if len(places) > 1 else []
        parts += [svg.dot(*places[-1], f"mark {kind}", trial.words)] if places else []
    words = f"Held-out loss of {len(trials)} trials while they learned. The lowest is {format.number(min(looks))}."
    return svg.picture(HEIGHT + 40, words, "curves", parts)


def scatter(name: str, scale: Scale, trials: Sequence["Trial"], winner: str) -> Markup:
    """Each trial's lowest held-out loss against one of its settings."""
    known = [trial for trial in trials if trial.loss is not None]
    axis = loss_axis([trial.loss for trial in known if trial.loss is not None])
    parts = frame(HEIGHT, scale.ticks(NARROW), _rows(axis))
    for trial in sorted(known, key=lambda trial: (trial.name == winner, trial.reach)):
        kind = "tuned" if trial.name == winner else ("done" if trial.state == "finished" else "training")
        place = scale.share(trial.settings[name])
        parts.append(svg.dot(place, _down(axis, trial.loss or 0.0), f"mark {kind}", trial.words))
    words = f"Lowest held-out loss of each trial against {name}."
    return svg.picture(HEIGHT + 24, words, "curves", parts)


def timeline(trials: Sequence["Trial"], winner: str, rungs: int) -> Markup:
    """A row for each trial: when it learned, the darker the higher the rung."""
    end = max([span.ended for trial in trials for span in trial.rungs] or [1.0]) or 1.0
    height = ROW * len(trials)
    parts = [part for x, words in _times(end) for part in _tick(x, words, height)]
    for row, trial in enumerate(trials):
        kind = "tuned" if trial.name == winner else "training"
        parts.append(svg.text(0, ROW * row + 13, trial.name, text_anchor="end", dx=-8))
        for rung, span in enumerate(trial.rungs):
            parts.append(_bar(span, end, ROW * row, f"span {kind}", (rung + 1) / rungs, trial.words))
        if trial.state == "failed":
            parts.append(svg.text(trial.rungs[-1].ended / end if trial.rungs else 0, ROW * row + 13, "failed", dx=6))
    words = f"When each of {len(trials)} trials learned, in {format.seconds(end)}."
    return svg.picture(height + 24, words, "timeline", parts)


def _times(end: float) -> list[tuple[float, str]]:
    axis = Axis(0, end)
    return [(axis.share(value), format.seconds(value) if value else "0") for value, _ in axis.ticks(NARROW)]


def _tick(x: float, words: str, height: int) -> list[Markup]:
    anchor = "end" if x > 0.97 else "middle"
    return [svg.rule(x, 0, x, height, "grid"), svg.text(x, height + 18, words, text_anchor=anchor)]


def _bar(span: "Span", end: float, top: int, class_: str, weight: float, words: str) -> Markup:
    width = svg.across((span.ended - span.began) / end)
    place: dict[str, str | float] = {
        "x": svg.across(span.began / end),
        "y": top + 3,
        "width": width,
        "height": ROW - 6,
        "rx": 2,
    }
    return svg.tag("rect", svg.tag("title", words), **place, class_=class_, fill_opacity=0.2 + 0.8 * weight)


def _down(axis: Axis, loss: float) -> float:
    """Pixels from the top; what is above the axis stands at its edge."""
    return max(0.0, HEIGHT * (1 - axis.share(loss)))


def _rows(axis: Axis) -> list[tuple[float, str]]:
    return [(_down(axis, value), words) for value, words in axis.ticks(5)]
