"""The held-out loss in the course of a training: looked at now and then, and kept as the flags want it."""

import argparse
import json
from pathlib import Path


def flags(parser: argparse.ArgumentParser) -> None:
    """Add what a curve is asked for with."""
    parser.add_argument("--target", type=float, help="report the seconds until the held-out loss is this low")
    parser.add_argument("--curve", type=Path, help="JSON lines of seconds, step and held-out loss")
    parser.add_argument("--every", type=int, default=7, help="steps between two points of the curve")


class Curve:
    """Points of seconds, step and held-out loss."""

    def __init__(self, options: argparse.Namespace):
        self._target, self._path, self._every = options.target, options.curve, options.every
        self._points: list[dict[str, float]] = []

    def due(self, step: int) -> bool:
        """Whether anybody wants the loss after this step."""
        return bool(self._path or self._target) and step % self._every == 0

    def add(self, seconds: float, step: int, loss: float) -> None:
        self._points.append({"seconds": seconds, "step": step, "held_out_loss": loss})

    def write(self) -> None:
        """All points, where a file is wanted."""
        if self._path:
            self._path.write_text("".join(json.dumps(point) + "\n" for point in self._points), encoding="utf-8")

    def seconds_to_target(self) -> dict[str, float]:
        """The seconds of training after which the loss was first at or below the target; nothing if it never was."""
        target = self._target
        reached = [one["seconds"] for one in self._points if target is not None and one["held_out_loss"] <= target]
        return {"seconds_to_target": min(reached)} if reached else {}
