"""The folder of a search: what is in it, and how it is cleared."""

import shutil
from pathlib import Path

from capotasto.experiment.beginning import START
from capotasto.experiment.folder import REPORT
from capotasto.records import read_json

FILE = "search.json"
TRIALS = "trials"  # a folder with one of an ordinary run for each trial
BEST = "best"  # the winner's run


def clear(folder: Path) -> None:
    """Remove what an earlier search wrote, and nothing else that a person may keep there."""
    if not (folder / FILE).exists():
        return
    for name in (TRIALS, BEST):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (FILE, REPORT):
        (folder / name).unlink(missing_ok=True)
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the half-written files that a killed search leaves."""
    for name in (FILE, REPORT):
        for unfinished in folder.glob(f".{name}.*"):
            unfinished.unlink(missing_ok=True)
    shutil.rmtree(_unfinished(folder), ignore_errors=True)


def crown(folder: Path, trial: str) -> Path:
    """Make the folder of the best run from a trial's, unless it is that trial's already; returns its path."""
    own, best = folder / TRIALS / trial, folder / BEST
    if best.exists():
        if _identity(best) == _identity(own):
            return best
        shutil.rmtree(best)
    shutil.copytree(own, _unfinished(folder))
    _unfinished(folder).replace(best)
    return best


def _unfinished(folder: Path) -> Path:
    return folder / f".{BEST}"


def _identity(folder: Path) -> str:
    path = folder / START
    return str(read_json(path)["identity"]) if path.exists() else ""
