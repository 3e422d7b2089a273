"""The end of a comparison: what its folder says is ranked, put into words and shown on a page."""

from pathlib import Path
from typing import Any

from capotasto import records, report
from capotasto.comparing.recommend import recommend
from capotasto.report.compare_folder import COMPARE, read_compare


def conclude(folder: Path, answered: dict[str, bool] | None = None) -> dict[str, Any]:
    """Add `comparisons`, `ranking` and `recommendation` to `compare.json` and write `report.html`; returns the record.

    May be called again at any time, also on the folder of a comparison that was stopped. UserError names a file that
    cannot be used.
    answered: the user's answers, in place of those in the record
    """
    done = [one for one in read_compare(folder).contenders if one.status == "done"]
    record = records.read_json(folder / COMPARE)
    record["wizard"] = answered or record.get("wizard")
    answers = {one.name: records.read_json(folder / one.answers) for one in done}
    concluded = {**record, **recommend(record, answers)}
    records.write_json(folder / COMPARE, concluded)
    report.write_compare(folder)
    return concluded
