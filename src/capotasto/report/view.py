"""A run as the templates show it: texts and pictures, nothing left to compute."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from capotasto.report import confusion, format, whiskers
from capotasto.report.axis import Axis
from capotasto.report.curves import curves
from capotasto.report.facts import Facts, facts
from capotasto.report.histogram import histogram, summary
from capotasto.report.metrics import Metric, metric
from capotasto.report.run import Interval, Run, Task
from capotasto.report.scatter import scatter


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of a run: the base's and the adapter's score and their difference, as far as known."""

    metric: Metric
    base: Interval | None
    tuned: Interval | None
    difference: Interval | None

    def value(self, score: Interval | None) -> str:
        """A score in print, or a dash."""
        return self.metric.value(score) if score else format.MISSING

    def interval(self, score: Interval | None) -> str:
        """A score's interval in print, or nothing."""
        return self.metric.interval(score) if score else ""

    @property
    def word(self) -> str:
        """`better`, `worse`, `no clear difference`; empty without a difference."""
        return self.metric.word(self.difference) if self.difference else ""

    @property
    def change(self) -> tuple[str, str]:
        """The difference and its interval in print: `−0.400`, `−0.500 to −0.300`."""
        if not self.difference:
            return "", ""
        return self.metric.value(self.difference, signed=True), self.metric.interval(self.difference, signed=True)

    @property
    def plot(self) -> Markup:
        """Both scores with their intervals."""
        known = {name: score for name, score in (("base", self.base), ("tuned", self.tuned)) if score}
        return whiskers.scores(known, self.metric)

    def change_plot(self, axis: Axis | None = None) -> Markup:
        """The difference against zero, on its own axis or on one shared between runs."""
        if not self.difference:
            return Markup()
        return whiskers.difference(self.difference, self.metric, axis or change_axis([self]))


def change_axis(scores: list[Score]) -> Axis:
    """An axis with zero in its middle that holds the differences of all scores."""
    ends = [abs(end) for score in scores if score.difference for end in score.difference.ends]
    reach = max(ends, default=0) or 1
    return Axis.around([-reach, reach])


class View:
    """What the templates ask of a run."""

    def __init__(self, run: Run, anchor: str):
        self.run = run
        self.anchor = anchor

    @property
    def status(self) -> str:
        """The verdict in a word or three."""
        return {True: "It helps", False: "It does not help", None: "Not judged"}[self.run.helped]

    @property
    def tone(self) -> str:
        """The class that colours the verdict."""
        return {True: "better", False: "worse", None: "neutral"}[self.run.helped]

    @cached_property
    def scores(self) -> dict[str, Score]:
        """The scores by metric."""
        return _by_metric(self.run)

    @cached_property
    def tasks(self) -> dict[str, dict[str, Score]]:
        """The scores of each task of a mixture, by metric."""
        return {name: _by_metric(task) for name, task in self.run.tasks.items()}

    @cached_property
    def replay(self) -> dict[str, Score]:
        """The scores on general text that was kept untouched, by metric."""
        return _by_metric(self.run.replay)

    @cached_property
    def losses(self) -> dict[str, dict[int, float]]:
        """Loss by step, by kind of record. A step that was repeated after a resume counts once, as it was last."""
        return {kind: _losses(self.run.log, kind) for kind in ("step", "held_out")}

    @property
    def compares_losses(self) -> bool:
        """True where the bare base's loss is of the same kind as those of the learning curve."""
        return "loss" in self.run.scores.base and self.run.objective in ("", "lm")

    @cached_property
    def curves(self) -> Markup | None:
        """The loss curves; None without a log."""
        if not any(self.losses.values()):
            return None
        base = self.run.scores.base.get("loss") if self.compares_losses else None
        return curves(self.losses["step"], self.losses["held_out"], base.value if base else None, self.run.best_step)

    @property
    def histograms(self) -> list[tuple[str, Markup, str]]:
        """Title, picture and summary of each kind of length."""
        known = {name: lengths for name, lengths in self.run.lengths.items() if lengths}
        return [(name.capitalize(), histogram(lengths, name), summary(lengths)) for name, lengths in known.items()]

    @property
    def heat(self) -> list[tuple[str, list[confusion.Cell]]]:
        """The confusion matrix as labelled rows; empty where there is none or it is too large."""
        return list(zip(self.run.labels, confusion.heat(self.run.confusion), strict=False))

    @property
    def mistakes(self) -> list[confusion.Mistake]:
        """The most frequent mistakes."""
        return confusion.mistakes(self.run.confusion, self.run.labels)

    @property
    def scatters(self) -> list[tuple[str, Markup]]:
        """Column and picture of told against true numbers."""
        known = {name: pairs for name, pairs in self.run.predictions.items() if pairs.true}
        return [(name, scatter(pairs.true, pairs.told, name)) for name, pairs in known.items()]

    @property
    def loss_unit(self) -> str:
        """What the losses of the learning curve are counted in."""
        units = {
            "classify": "Nats of the true label.",
            "regress": "Mean squared error, in units of the training rows’ spread.",
            "multilabel": "Nats per label.",
        }
        return units.get(self.run.objective, "Loss in nats per token.")

    @property
    def facts(self) -> dict[str, Facts]:
        """What was run, by heading."""
        return facts(self.run)

    @property
    def cost(self) -> list[str]:
        """Training time, trained numbers and file size in print, as far as known."""
        spent, trained, stored = self.run.train_seconds, self.run.trainable_parameters, self.run.adapter_bytes
        return [
            *([] if spent is None else [f"{format.seconds(spent)} of training"]),
            *([] if trained is None else [f"{format.count(trained)} trained numbers"]),
            *([] if stored is None else [f"{format.size(stored)} on disk"]),
        ]


def _by_metric(judged: Run | Task) -> dict[str, Score]:
    base, tuned, change = judged.scores.base, judged.scores.tuned, judged.difference
    return {name: Score(metric(name), base.get(name), tuned.get(name), change.get(name)) for name in {**base, **tuned}}


def _losses(log: list[dict[str, Any]], kind: str) -> dict[int, float]:
    found = ((record.get("step"), record.get("loss")) for record in log if record.get("kind") == kind)
    return {
        step: loss
        for step, loss in found
        if isinstance(step, int) and isinstance(loss, int | float) and math.isfinite(loss)
    }
