"""Trackers: the training log sent to a program that the user already looks at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from capotasto.errors import SettingError
from capotasto.registry import Table
from capotasto.types import StepRecord

TRACKERS = Table(
    "tracker",
    {
        "tensorboard": "capotasto.experiment.track:tensorboard",
        "trackio": "capotasto.experiment.track:trackio",
        "mlflow": "capotasto.experiment.track:mlflow",
        "wandb": "capotasto.experiment.track:wandb",
    },
)

Send = Callable[[dict[str, float], int], None]


def open_tracker(
    kind: str, folder: Path, name: str, settings: dict[str, Any]
) -> tuple[Callable[[StepRecord], None], Callable[[], None]]:
    """(what takes each record, what ends the run). Errors: the tracker's package is not installed."""
    try:
        send, close = TRACKERS[kind](folder, name, settings)  # type: ignore[operator]
    except ImportError:
        raise SettingError(
            f"--report-to {kind} needs its package: pip install 'capotasto[{kind}]', or leave --report-to out"
        ) from None

    def see(record: StepRecord) -> None:
        send(_numbers(record), record.step)

    return see, close


def _numbers(record: StepRecord) -> dict[str, float]:
    if record.kind == "held_out":
        tasks = record.extra.get("tasks", {})
        return {"held_out_loss": record.loss, **{f"held_out_loss/{name}": loss for name, loss in tasks.items()}}
    return {"loss": record.loss, "learning_rate": record.learning_rate, "gradient_norm": record.gradient_norm}


def tensorboard(folder: Path, name: str, settings: dict[str, Any]) -> tuple[Send, Callable[[], None]]:
    """Event files in DIR/tensorboard."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder / "tensorboard"))

    def send(numbers: dict[str, float], step: int) -> None:
        for key, value in numbers.items():
            writer.add_scalar(key, value, step)

    return send, writer.close


def trackio(folder: Path, name: str, settings: dict[str, Any]) -> tuple[Send, Callable[[], None]]:
    """A local trackio project `capotasto`."""
    import trackio as library

    library.init(project="capotasto", name=name, config=settings)
    return lambda numbers, step: library.log(numbers, step=step), library.finish


def mlflow(folder: Path, name: str, settings: dict[str, Any]) -> tuple[Send, Callable[[], None]]:
    """A run of the experiment `capotasto` at MLFLOW_TRACKING_URI, or in ./mlruns."""
    import mlflow as library

    library.set_experiment("capotasto")
    library.start_run(run_name=name)
    library.log_params(settings)
    return lambda numbers, step: library.log_metrics(numbers, step=step), library.end_run


def wandb(folder: Path, name: str, settings: dict[str, Any]) -> tuple[Send, Callable[[], None]]:
    """A run of the project `capotasto`; WANDB_MODE=offline keeps it on this machine."""
    import wandb as library

    run = library.init(project="capotasto", name=name, config=settings, dir=str(folder))
    return lambda numbers, step: run.log(numbers, step=step), run.finish
