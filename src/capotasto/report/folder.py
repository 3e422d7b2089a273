"""Reading a run folder: `run.json`, the log of its training, the size of its adapter file."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from capotasto import records
from capotasto.errors import UserError
from capotasto.report.run import Run, without_nulls


def read(folder: Path) -> Run:
    """The run in `folder`. UserError names the file and the field that cannot be used."""
    path = folder / "run.json"
    if not path.is_file():
        raise UserError(f"no run in {folder}: it holds no run.json; name a folder that a training has written")
    content = records.read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path} does not describe a run: it holds a {type(content).__name__}; run the training again")
    known = {"name": folder.resolve().name, **without_nulls(content)}
    try:
        return Run(**{**known, "log": _read_log(folder / "log.jsonl"), "adapter_bytes": _adapter_bytes(folder)})
    except ValidationError as error:
        raise UserError(f"{path} does not describe a run: {_fault(error)}; run the training again") from None


def _read_log(path: Path) -> list[dict[str, Any]]:
    try:
        lines = records.read_lines(path)
        damaged = not all(isinstance(line, dict) for line in lines)
    except ValueError:
        damaged = True
    if damaged:
        raise UserError(
            f"{path} holds a line that is not a JSON record; remove it, or the file to do without the curves"
        )
    return lines


def _adapter_bytes(folder: Path) -> int | None:
    files = sorted(folder.rglob("adapter_model.safetensors"), key=lambda path: len(path.parts))
    return files[0].stat().st_size if files else None


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    reason = first["msg"].removeprefix("Value error, ")
    return f"`{place}`: {reason[0].lower() + reason[1:]}, got {str(first['input'])[:60]!r}" if place else reason
