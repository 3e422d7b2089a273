"""`capo data FILE --plant-canaries N`: a copy with made-up secrets in it."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capotasto.auditing.canary_settings import CanarySettings
from capotasto.cli.terminal import facts, heading, out, print_json
from capotasto.errors import SettingError
from capotasto.experiment.settings import TuneSettings

if TYPE_CHECKING:
    from capotasto.data import Dataset


def check(settings: CanarySettings, audit: bool) -> None:
    """Errors: settings of canaries without canaries, canaries without a place for the copy, or an audit beside them."""
    if settings.plant_canaries is None and (settings.times is not None or settings.out is not None):
        raise SettingError("--times and --out say how canaries are planted; say how many with --plant-canaries N")
    if settings.plant_canaries is not None and settings.out is None:
        raise SettingError("no file for the copy with the canaries; name a new one with --out COPY.jsonl")
    if settings.plant_canaries is not None and audit:
        raise SettingError("--plant-canaries writes a copy, --audit looks at the file: give them one after the other")


def plant(dataset: "Dataset", canaries: CanarySettings, rows: TuneSettings, json: bool) -> None:
    """Write the copy and its key, and say what comes next."""
    from capotasto.auditing.planting import TIMES, plant

    assert canaries.plant_canaries is not None
    assert canaries.out is not None
    times = canaries.times or TIMES
    key = plant(
        dataset,
        canaries.plant_canaries,
        canaries.out,
        times,
        val=rows.val,
        test=rows.test,
        seed=rows.seed,
        max_rows=rows.max_rows,
    )
    found = {"copy": str(canaries.out), "key": str(key), "canaries": canaries.plant_canaries, "times": times}
    if json:
        print_json(found)
    else:
        _show(found, canaries.out, dataset, rows)


def _show(found: dict[str, Any], copy: Path, dataset: "Dataset", rows: TuneSettings) -> None:
    given = {"val": rows.val, "test": rows.test, "seed": rows.seed}
    changed = [f"--{name} {value}" for name, value in given.items() if value != TuneSettings.model_fields[name].default]
    columns = shlex.quote(",".join(f"{key}={column}" for key, column in dataset.mapping.items()))
    words = ["capo tune", shlex.quote(str(copy)), "--duplicates keep", f"--map {columns}", *changed, "--out DIR"]
    heading(f"{found['canaries']} canaries, each in {found['times']} rows")
    out.print(facts([("Copy", found["copy"]), ("Key", found["key"])]))
    out.print("Repeats are left out of training unless you say otherwise:")
    out.print(f"    {' '.join(words)}", soft_wrap=True)
    out.print("    capo audit DIR --probes leakage")
