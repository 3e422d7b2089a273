"""A search as its template shows it: texts and pictures, nothing left to compute."""

from functools import cached_property
from typing import Any

from markupsafe import Markup

from capotasto.report import format, trials
from capotasto.report.run import Run
from capotasto.report.scale import scale_of
from capotasto.report.search import Search, Trial
from capotasto.report.view import View


class SearchView:
    """What the template asks of a search."""

    def __init__(self, search: Search, best: Run):
        self.search = search
        self.best = View(best, "best")

    @cached_property
    def ranked(self) -> list[Trial]:
        """The trials, the best first; failed ones at the end."""
        return sorted(self.search.trials, key=lambda t: (t.state == "failed", t.loss is None, t.loss or 0.0))

    @property
    def settings(self) -> str:
        """The winner's searched settings in a line."""
        return ", ".join(f"{name} {format.short(value)}" for name, value in self.search.winner.settings.items())

    @property
    def curves(self) -> Markup:
        """All learning curves."""
        return trials.curves([t for t in self.search.trials if t.state != "failed"], self.search.winner.trial)

    @property
    def scatters(self) -> dict[str, Markup]:
        """Loss against each searched setting."""
        healthy = [trial for trial in self.search.trials if trial.state != "failed"]
        return {
            name: trials.scatter(name, scale_of(space), healthy, self.search.winner.trial)
            for name, space in self.search.space.items()
        }

    @property
    def timeline(self) -> Markup:
        """Who learned when."""
        return trials.timeline(self.search.trials, self.search.winner.trial, len(self.search.rungs))

    @property
    def halving(self) -> str:
        """The rungs in words: `16 trials to 11 % of a full training, 5 to 33 %, 1 to 100 %`."""
        steps = [f"{rung['trials']:.0f} to {100 * rung['share']:.0f} %" for rung in self.search.rungs]
        return ", ".join(steps)

    def row(self, trial: Trial) -> dict[str, Any]:
        """A trial in print."""
        return {
            "settings": [format.short(trial.settings.get(name)) for name in self.search.space],
            "loss": format.MISSING if trial.loss is None else format.number(trial.loss),
            "learned": f"{100 * trial.reach:.0f} %",
            "seconds": format.seconds(trial.seconds),
            "end": trial.ended if trial.state == "failed" else trial.state,
        }

    @property
    def losses(self) -> tuple[str, str]:
        """The winner's loss on validation rows and on test rows."""
        found = self.search.winner.validation_loss, self.search.winner.test_loss
        first, second = (format.MISSING if loss is None else format.number(loss) for loss in found)
        return first, second

    @property
    def spent(self) -> str:
        """How long the trials took."""
        return format.seconds(self.search.seconds)
