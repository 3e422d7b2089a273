"""The winner of a search: brought to its end, judged and reported as an ordinary run."""

from typing import Any

from capotasto import report
from capotasto.errors import TrainingError
from capotasto.experiment.outcome import Run
from capotasto.experiment.search.folder import TRIALS, crown
from capotasto.experiment.search.ledger import Ledger, Trial
from capotasto.experiment.search.race import Race
from capotasto.experiment.tune import tune_many
from capotasto.session import Base
from capotasto.training.resume import FILE as CHECKPOINT


def conclude(base: Base, source: str, race: Race, done: bool) -> tuple[Run, dict[str, Any]]:
    """Train the best trial to its end if it is not there, judge it on the test rows, and write down everything.

    done: all rungs were climbed; False: the time was over before
    Errors: no trial has a loss to be judged by.
    """
    ledger = race.ledger
    best = ledger.best()
    if best is None:
        raise TrainingError(_no_winner(race, done))
    for trial in ledger.trials:
        trial.state = "out of time" if trial.state == "learning" else trial.state
    folder = crown(ledger.folder, best.name)
    settings = race.settings_of(best).model_copy(update={"name": ledger.facts["name"]})
    run = tune_many(base, {folder: (source, settings)}, race.seer([], len(race.rungs) - 1))[0]
    record = ledger.write(
        stopped="all rungs done" if done else "out of time",
        winner=_winner(best, run),
        scores=run.record["scores"],
        verdict=run.verdict,
    )
    report.write_search(ledger.folder)
    if done:
        _clean(ledger)
    return run, record


def _winner(best: Trial, run: Run) -> dict[str, Any]:
    """What the winner is; its losses on validation and test rows stand side by side."""
    return {
        "trial": best.name,
        "settings": best.settings,
        "folder": str(run.folder.name),
        "validation_loss": best.loss,
        "test_loss": run.scores["tuned"]["loss"].value if run.record["objective"] == "lm" else None,
        "steps": run.record["steps"],
        "best_step": run.record["best_step"],
        "stopped": run.record["stopped"],
    }


def _no_winner(race: Race, done: bool) -> str:
    trials = race.ledger.trials
    if done or all(trial.state == "failed" for trial in trials):
        why = next((trial.ended for trial in trials if trial.ended), "")
        return f"all {len(trials)} trials failed (the first: {why}); search lower learning rates with --space"
    step, steps = max((trial.step, trial.steps) for trial in trials)
    return (
        f"the time was over before a trial had its first look at the validation rows (step {step} of {steps});"
        " go on with --resume and a larger --budget, or start again with fewer --trials or more --looks"
    )


def _clean(ledger: Ledger) -> None:
    """Checkpoints have done their work; the logs of the trials stay."""
    for trial in ledger.trials:
        (ledger.folder / TRIALS / trial.name / CHECKPOINT).unlink(missing_ok=True)
