"""Reading a comparison's folder: `compare.json` and every contender's answers."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from capotasto import records
from capotasto.errors import UserError
from capotasto.report.compare import Comparison, Contender, Sheet

COMPARE = "compare.json"


def read_compare(folder: Path) -> Comparison:
    """The comparison in `folder` with everyone's answers. UserError names the file and what cannot be used."""
    path = folder / COMPARE
    if not path.is_file():
        raise UserError(
            f"no comparison in {folder}: it holds no {COMPARE}; name a folder that `capo compare` has written"
        )
    found: Comparison = _checked(Comparison, records.read_json(path), path)
    for one in found.contenders:
        if one.status == "done":
            one.sheet = _sheet(folder, one, found)
    return found


def _sheet(folder: Path, contender: Contender, found: Comparison) -> Sheet:
    path = folder / contender.answers
    if not path.resolve().is_relative_to(folder.resolve()):
        where = f"{folder / COMPARE}: the answers of {contender.name!r}"
        raise UserError(f"{where} lie outside of the folder; compare again with --force")
    sheet: Sheet = _checked(Sheet, records.read_json(path), path)
    if fault := sheet.fault(len(found.rows), len(found.data.labels)):
        raise UserError(f"{path} does not fit its comparison: {fault}; compare again with --force")
    return sheet


def _checked(part: type[Any], content: Any, path: Path) -> Any:
    try:
        return part(**content)
    except (ValidationError, TypeError) as error:
        fault = _fault(error) if isinstance(error, ValidationError) else "it holds no fields"
        raise UserError(f"{path} does not describe a comparison: {fault}; compare again with --force") from None


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"`{place}` cannot be used" if place else first["msg"].removeprefix("Value error, ")
