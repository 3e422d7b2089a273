"""The race of the trials: asked for in waves, halted at rungs, halved until one is left or the time is over."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from capotasto.experiment.search.advance import Reached, Work
from capotasto.experiment.search.ask import ask
from capotasto.experiment.search.folder import TRIALS
from capotasto.experiment.search.halving import Rung
from capotasto.experiment.search.ledger import Ledger, Trial
from capotasto.experiment.search.settings import SearchSettings
from capotasto.experiment.search.space import Space
from capotasto.experiment.settings import TuneSettings
from capotasto.training.resume import FILE as CHECKPOINT
from capotasto.types import StepRecord

See = Callable[[StepRecord], None]
Advance = Callable[[Sequence[Work], float, See], dict[str, Reached]]  # work, the moment when time is over, who watches


@dataclass(frozen=True)
class Standing:
    """Where the race stands while some trials learn, for those who watch.

    rung:     the one they learn up to, counted from 1, of `rungs`; it is at this share of their full length
    learning: their names; none when the race is over and the winner is brought to its end and judged
    alive:    trials that are still in the race, those that are not asked for yet included
    best:     the best trial before they began
    """

    rung: int
    rungs: int
    share: float
    learning: list[str]
    alive: int
    best: Trial | None
    seconds: float
    budget: float


SearchWatch = Callable[[Standing, StepRecord | None], None]  # None: they begin


@dataclass
class Race:
    """What does not change while the trials learn, and the ledger, which does.

    first: the settings of the very first trial, as far as the space holds them
    """

    ledger: Ledger
    settings: TuneSettings
    search: SearchSettings
    space: Space
    rungs: list[Rung]
    first: dict[str, Any]
    advance: Advance
    watch: SearchWatch | None = None

    def run(self) -> bool:
        """Carry out what is left; False if the time was over before."""
        return self._ask_and_start() and all(self._promote(rung) for rung in range(1, len(self.rungs)))

    def _ask_and_start(self) -> bool:
        """Every trial up to the first rung. A wave is asked for when the one before it is there."""
        while True:
            waiting = [trial for trial in self.ledger.trials if not trial.rungs and trial.state == "learning"]
            if not waiting and len(self.ledger.trials) == self.search.trials:
                return True
            if not self._learn(waiting or self._wave(), 0):
                return False

    def _wave(self) -> list[Trial]:
        """The next trials; they are written down before they begin."""
        told = [(trial.settings, trial.at(0)) for trial in self.ledger.trials]
        count = min(self.search.together, self.search.trials - len(told))
        asked = ask(self.space, told, count, self.search.together, self.settings.seed, self.first)
        wave = [Trial(f"trial-{number:02d}", params) for number, params in enumerate(asked, len(told))]
        self.ledger.trials += wave
        self.ledger.write()
        return wave

    def _promote(self, rung: int) -> bool:
        """The best trials of the rung below learn on up to this one."""
        there = [trial for trial in self.ledger.trials if math.isfinite(trial.at(rung - 1))]
        chosen = sorted(there, key=lambda trial: trial.at(rung - 1))[: self.rungs[rung].trials]
        for trial in there:
            if trial not in chosen and trial.state == "learning":
                trial.state = "left behind"
                (self.folder(trial) / CHECKPOINT).unlink(missing_ok=True)
        for trial in chosen:
            if trial.state == "finished" and len(trial.rungs) == rung:
                trial.pass_rung(trial.rungs[-1]["ended"], trial.rungs[-1]["ended"])
        self.ledger.write()
        left = [trial for trial in chosen if trial.state == "learning" and len(trial.rungs) == rung]
        size = self.search.together
        return all(self._learn(left[start : start + size], rung) for start in range(0, len(left), size))

    def _learn(self, trials: Sequence[Trial], rung: int) -> bool:
        """These trials up to a rung; False if the time was over before all were there."""
        began, start = self.ledger.seconds, time.monotonic()
        work = [Work(self.folder(trial), self.settings_of(trial), self.rungs[rung].share) for trial in trials]
        see = self.seer([trial.name for trial in trials], rung)
        reached = self.advance(work, start + self.search.seconds - began, see)
        self.ledger.seconds = began + time.monotonic() - start
        for trial in trials:
            if trial.name in reached:
                trial.take(reached[trial.name], began)
        self.ledger.write()
        return all(name in reached and reached[name].arrived for name in (trial.name for trial in trials))

    def seer(self, learning: list[str], rung: int) -> See:
        """Announces that these trials begin; returns what the loop shows its records to while they learn."""
        if self.watch is None:
            return lambda record: None
        out = sum(trial.state in ("failed", "left behind") for trial in self.ledger.trials)
        left = self.search.trials - out
        standing = Standing(
            rung=rung + 1,
            rungs=len(self.rungs),
            share=self.rungs[rung].share,
            learning=learning,
            alive=min(self.rungs[rung].trials, left) if rung else left,
            best=self.ledger.best(),
            seconds=self.ledger.seconds,
            budget=self.search.seconds,
        )
        self.watch(standing, None)
        return partial(self.watch, standing)

    def folder(self, trial: Trial) -> Path:
        """Where its run is."""
        return self.ledger.folder / TRIALS / trial.name

    def settings_of(self, trial: Trial) -> TuneSettings:
        """All its settings. It goes on with what is there of it."""
        own = {**trial.settings, "name": trial.name, "resume": True, "force": False}
        return TuneSettings.build({**self.settings.model_dump(), **own}, trial.name)
