"""`search.json`: all that is known of a search, written after every change, so that a search can go on."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from capotasto.experiment.search.advance import Reached
from capotasto.experiment.search.folder import FILE
from capotasto.records import read_same, write_json

State = Literal["learning", "left behind", "out of time", "failed", "finished"]


@dataclass
class Trial:
    """One try of settings.

    settings: the searched ones
    state:    learning (or waiting to), left behind at a rung, out of time, failed, or finished: it ran to its end
    loss:     the lowest of its looks at the held-out rows, in nats per supervised token; None where there was none
    rungs:    for each rung it came to: {"step", "loss" (the lowest so far), "began", "ended"}, the last two in seconds
              since the search began
    looks:    [step, loss] of each look; a loss that is no number is None
    """

    name: str
    settings: dict[str, Any]
    state: State = "learning"
    loss: float | None = None
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    tokens: int = 0
    held_out_tokens: int = 0  # of one look
    ended: str = ""
    rungs: list[dict[str, Any]] = field(default_factory=list)
    looks: list[list[Any]] = field(default_factory=list)

    def take(self, reached: Reached, began: float) -> None:
        """Note how far it came in work that began at this second of the search."""
        self.step, self.steps, self.seconds = reached.step, reached.steps, reached.seconds
        self.tokens, self.held_out_tokens, self.ended = reached.tokens, reached.held_out, reached.ended
        self.looks = [[step, _number(loss)] for step, loss in reached.looks]
        self.loss = _number(reached.loss)
        if reached.failed:
            self.state = "failed"
        elif reached.ended:
            self.state = "finished"
        if reached.arrived:
            self.pass_rung(*(round(began + second, 2) for second in reached.span))

    def pass_rung(self, began: float, ended: float) -> None:
        """Note that it has come to one more rung, by learning between these two moments."""
        self.rungs.append({"step": self.step, "loss": self.loss, "began": began, "ended": ended})

    def at(self, rung: int) -> float:
        """Its loss at a rung; infinite for one that failed or did not come there."""
        loss = self.rungs[rung]["loss"] if len(self.rungs) > rung else None
        return math.inf if loss is None or self.state == "failed" else float(loss)


@dataclass
class Ledger:
    """The trials of a search and what they share.

    identity: of base, data, settings and space; a search goes on only as the one it was
    seconds:  spent on trials so far
    facts:    what else is written into the file
    """

    folder: Path
    identity: str
    facts: dict[str, Any]
    trials: list[Trial] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def open(cls, folder: Path, identity: str, facts: dict[str, Any], resume: bool) -> Self:
        """A new one, or that of the search in `folder`. Errors: it was another search."""
        path = folder / FILE
        if not resume or not path.exists():
            return cls(folder, identity, facts)
        kept = read_same(path, identity, "a search with another base, data, settings or space")
        trials = [Trial(**trial) for trial in kept["trials"]]
        for trial in trials:
            trial.state = "learning" if trial.state == "out of time" else trial.state
        return cls(folder, identity, facts, trials, kept["seconds"])

    def write(self, **more: Any) -> dict[str, Any]:
        """Write the file; returns its content."""
        trials = [asdict(trial) for trial in self.trials]
        spent = {"seconds": round(self.seconds, 2)}
        content = {**self.facts, "identity": self.identity, **spent, "held_out": self.held_out(), **more}
        write_json(self.folder / FILE, {**content, "trials": trials})
        return {**content, "trials": trials}

    def best(self) -> Trial | None:
        """The trial with the lowest loss so far."""
        known = [trial for trial in self.trials if trial.state != "failed" and trial.loss is not None]
        return min(known, key=lambda trial: trial.loss or 0.0, default=None)

    def held_out(self) -> dict[str, Any]:
        """How much the search has looked at the validation rows, and what that means for the winner's loss on them."""
        looks = sum(len(trial.looks) for trial in self.trials)
        tokens = sum(len(trial.looks) * trial.held_out_tokens for trial in self.trials)
        rows = self.facts["rows"]["val"]
        sentence = (
            f"The winner's validation loss is the lowest of {looks} looks of {len(self.trials)} trials at the same"
            f" {rows} rows, so part of it is luck. How good it is, the test rows tell, which the search has not seen."
        )
        return {"rows": rows, "looks": looks, "tokens": tokens, "optimism": sentence}


def _number(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
