"""Reading a comparison's folder: `compare.json` and every contender's answers."""

from pathlib import Path

from capotasto.errors import UserError
from capotasto.report.compare import Comparison, Contender, Sheet
from capotasto.report.reading import read_record

COMPARE = "compare.json"
WORDS = ("a comparison", "compare again with --force")


def read_compare(folder: Path) -> Comparison:
    """The comparison in `folder` with everyone's answers. UserError names the file and what cannot be used."""
    path = folder / COMPARE
    if not path.is_file():
        raise UserError(
            f"no comparison in {folder}: it holds no {COMPARE}; name a folder that `capo compare` has written"
        )
    found = read_record(Comparison, path, *WORDS)
    for one in found.contenders:
        if one.status == "done":
            one.sheet = _sheet(folder, one, found)
    return found


def _sheet(folder: Path, contender: Contender, found: Comparison) -> Sheet:
    path = folder / contender.answers
    if not path.resolve().is_relative_to(folder.resolve()):
        where = f"{folder / COMPARE}: the answers of {contender.name!r}"
        raise UserError(f"{where} lie outside of the folder; compare again with --force")
    sheet = read_record(Sheet, path, *WORDS)
    if fault := sheet.fault(len(found.rows), len(found.data.labels)):
        raise UserError(f"{path} does not fit its comparison: {fault}; compare again with --force")
    return sheet
