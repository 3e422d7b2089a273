"""A run's folder: claimed at the start, and what makes a run the same run."""

import json
import shutil
from pathlib import Path

from capotasto.errors import SettingError
from capotasto.records import content_hash, read_json
from capotasto.training.resume import FILE as CHECKPOINT

LOG, RUN, REPORT = "log.jsonl", "run.json", "report.html"
_OURS = (
    *(LOG, RUN, REPORT, CHECKPOINT, "start.json", "difficulty.json", "initial.safetensors"),
    *("adapter_config.json", "adapter_model.safetensors", "manifest.json", "training.safetensors"),
)
_MODEL = ("model*.safetensors*", "config.json", "generation_config.json", "tokenizer*", "special_tokens*", "README.md")
NEUTRAL = {
    "resume",
    "force",
    "report_to",
    "checkpoint_seconds",
    "trunk_gb",
    "name",
}  # settings that do not change the adapter


def check(folder: Path, resume: bool, force: bool) -> None:
    """Errors: something is in the folder already, or it is a file."""
    if folder.exists() and not folder.is_dir():
        raise SettingError(f"--out {folder} is a file; name a folder")
    if folder.exists() and any(folder.iterdir()) and not (resume or force):
        raise SettingError(
            f"--out {folder} is not empty: go on with what is there with --resume, or replace it with --force"
        )


def clear(folder: Path) -> None:
    """Remove what an earlier run wrote, and nothing else that a person may keep there."""
    old = folder / "manifest.json"
    manifest = read_json(old) if old.exists() else {}
    method = str(manifest.get("method", ""))
    parts = ("under", "over") if " on " in method else method.split("+") if "+" in method else ()
    for part in (*parts, *manifest.get("shape", {}).get("tasks", ())):
        shutil.rmtree(folder / Path(part).name, ignore_errors=True)
    if method.partition(":")[0] in ("full", "peft"):
        for pattern in _MODEL:
            for path in folder.glob(pattern):
                path.unlink()
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the half-written files that a killed run leaves."""
    for name in _OURS:
        for unfinished in folder.glob(f".{name}.*"):
            unfinished.unlink(missing_ok=True)


def identity(fingerprint: str, data_hashes: list[str], settings: dict[str, object]) -> str:
    """What two runs share if one may go on where the other stopped."""
    decisive = {key: value for key, value in settings.items() if key not in NEUTRAL}
    return content_hash([fingerprint, *data_hashes, json.dumps(decisive, sort_keys=True)])
