"""`tune`: data and settings in, a judged adapter on disk out; and the same for several adapters at once."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from capotasto import report
from capotasto.errors import SettingError, TrainingError
from capotasto.experiment.folder import LOG
from capotasto.experiment.log import Log
from capotasto.experiment.outcome import Run, conclude, finished
from capotasto.experiment.plan import Plan, plan
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.start import check_method
from capotasto.experiment.suited import suited
from capotasto.experiment.track import open_tracker
from capotasto.session import Base, load_base
from capotasto.training.fill import learn
from capotasto.training.resume import FILE as CHECKPOINT
from capotasto.training.resume import load_checkpoint, save_checkpoint
from capotasto.training.stop import EarlyStopping
from capotasto.types import StepRecord

Watch = Callable[[StepRecord], None]


def tune(base: Base | str, data: str | Path, *, out: str | Path, watch: Watch | None = None, **settings: Any) -> Run:
    """Train an adapter on `data`, judge it on rows it has not seen, and keep all of it in the folder `out`.

    base:     a loaded base, or what `load_base` takes
    data:     a file (csv, tsv, json, jsonl, parquet, txt) or hub:OWNER/NAME
    watch:    is shown every step record (progress bars, plots)
    settings: see `TuneSettings`; an unknown one is an error
    """
    loaded = load_base(base) if isinstance(base, str) else base
    return tune_many(loaded, {Path(out): (str(data), TuneSettings.build(settings, "tune"))}, watch)[0]


def tune_many(base: Base, work: Mapping[Path, tuple[str, TuneSettings]], watch: Watch | None = None) -> list[Run]:
    """Train several adapters over one base in mixed batches; each is the one it would be alone.

    work: folder → (data, settings)
    """
    work = {folder: (source, suited(base, settings)) for folder, (source, settings) in work.items()}
    done = {folder: finished(folder, base, *what) for folder, what in work.items() if what[1].resume}
    for folder in [folder for folder, run in done.items() if run and (folder / CHECKPOINT).exists()]:
        _publish(folder)  # it was stopped between its scores and its report
    todo = {folder: what for folder, what in work.items() if not done.get(folder)}
    for _, settings in todo.values():
        check_method(settings.method)
    _check_names({folder: settings.name or folder.resolve().name for folder, (_, settings) in todo.items()})
    runs = [Keeper(base, plan(base, source, folder, settings)) for folder, (source, settings) in todo.items()]
    try:
        jobs = [keeper.plan.job for keeper in runs]
        for record in learn(base, jobs, max((keeper.plan.settings.trunk_gb for keeper in runs), default=0.0)):
            for keeper in runs:
                keeper.see(record)
            if watch is not None:
                watch(record)
    finally:
        for keeper in runs:
            keeper.close()
    healthy_first = sorted(runs, key=lambda keeper: keeper.plan.job.failed)
    fresh = {keeper.plan.folder: keeper.finish(base) for keeper in healthy_first}
    results = [fresh.get(folder) or done[folder] for folder in work]
    return [run for run in results if run is not None]


def _check_names(names: Mapping[Path, str]) -> None:
    """Records are told apart by the name of their job."""
    for folder, name in names.items():
        twin = next(other for other, its in names.items() if its == name)
        if twin != folder:
            raise SettingError(f"{twin} and {folder} would both be called {name!r}; give one of them another --name")


def _publish(folder: Path) -> None:
    """Write the report; the checkpoint has done its work then."""
    report.write(folder)
    (folder / CHECKPOINT).unlink(missing_ok=True)


class Keeper:
    """Reads the stream for one run: early stopping, log, checkpoints, tracker."""

    def __init__(self, base: Base, plan: Plan):
        self.plan = plan
        self.stopping = EarlyStopping(plan.job)
        kept = None
        if plan.settings.resume:
            kept = load_checkpoint(plan.folder, plan.job, self.stopping, plan.identity)
        self.log = Log(plan.folder / LOG, kept or 0)
        self.saved = time.monotonic()
        kind = plan.settings.report_to
        send = open_tracker(kind, plan.folder, plan.name, plan.settings.model_dump()) if kind != "none" else None
        self.send, self.end = send or (lambda record: None, lambda: None)

    def see(self, record: StepRecord) -> None:
        """One record of any job; only this run's own are kept."""
        if record.job != self.plan.job.name or record.kind == "trunk":
            return
        self.stopping.see(record)
        self.log.see(record)
        self.send(record)
        job = self.plan.job
        settled = record.kind == "held_out" or not job.look_due  # between a step and its look nothing is whole
        if settled and (job.stopped or time.monotonic() - self.saved >= self.plan.settings.checkpoint_seconds):
            self.save()

    def save(self) -> None:
        """Write a checkpoint."""
        save_checkpoint(self.plan.folder, self.plan.job, self.stopping, self.plan.identity, self.log.size())
        self.saved = time.monotonic()

    def close(self) -> None:
        """Nothing more will come."""
        self.log.close()
        self.end()

    def finish(self, base: Base) -> Run:
        """Take the best vectors, judge and report. Errors: a job that failed; what it had earned is on disk."""
        job = self.plan.job
        if job.failed:
            kept = self.plan.folder / CHECKPOINT
            state = f"the last good checkpoint is kept at {kept}" if kept.exists() else "there was no checkpoint yet"
            raise TrainingError(
                f"{job.name}: {job.stopped}; {state}: start again with --force and a learning rate below"
                f" --lr {job.lr:.3g}"
            )
        self.stopping.restore()
        run = conclude(base, self.plan, self.stopping.best_step or job.step)
        base.adapters[run.adapter.name] = run.adapter
        _publish(self.plan.folder)
        return run
