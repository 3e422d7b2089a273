"""`capo data`: what is in a file, before anything is trained on it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import Field

from capotasto.auditing.canary_settings import CanarySettings
from capotasto.cli import data_audit, planting
from capotasto.cli.base import BaseSettings, load
from capotasto.cli.options import Json, build, settings_options
from capotasto.cli.profile import show
from capotasto.cli.terminal import err, print_json
from capotasto.config import Settings
from capotasto.experiment.settings import TuneSettings

if TYPE_CHECKING:
    from capotasto.data import Dataset, Splits

EXAMPLES = (
    "capo data tickets.csv",
    "capo data faq.csv --map prompt=question,completion=reply --base smollm2-135m",
    "capo data tickets.csv --audit",
    "capo data faq.csv --plant-canaries 3 --out faq-canaries.jsonl",
)
ROWS = ("map", "val", "test", "seed", "max_rows", "on_bad_row", "max_length")


class DataAuditSettings(Settings):
    """What is looked at beside the profile."""

    audit: bool = Field(False, description="look for near repeats, personal data, secrets and labels that may be wrong")


class DataOptions(BaseSettings, TuneSettings, DataAuditSettings, CanarySettings):
    """What the command takes."""


@settings_options(
    DataOptions,
    only=(*BaseSettings.model_fields, *ROWS, *DataAuditSettings.model_fields, *CanarySettings.model_fields),
)
def command(
    data: Annotated[str, typer.Argument(metavar="DATA", help="a data file, or hub:OWNER/NAME")],
    json: Json = False,
    **given: Any,
) -> None:
    """Columns, rows, lengths, duplicates, contradictions and labels. With --base, lengths in its tokens too."""
    from capotasto import data as files

    settings, canaries = build(TuneSettings, given), build(CanarySettings, given)
    audit = build(DataAuditSettings, given).audit
    planting.check(canaries, audit)
    dataset = files.load(data, settings.map, settings.on_bad_row, settings.max_rows)
    if canaries.plant_canaries is not None:
        planting.plant(dataset, canaries, settings, json)
        return
    splits = files.split(dataset.examples, settings.val, settings.test, settings.seed)
    found = files.profile(dataset, splits)
    where = build(BaseSettings, given)
    if where.base is not None:
        found["tokens"], found["windows"] = _tokens(dataset, where, settings.max_length)
    if audit:
        found["audit"] = _audit(dataset, splits)
    if json:
        print_json(found)
        return
    show(found)
    if "audit" in found:
        data_audit.show(found["audit"])


def _audit(dataset: "Dataset", splits: "Splits") -> dict[str, Any]:
    from capotasto.auditing.data import audit_data

    with err.status("auditing"):
        return audit_data(dataset, splits)


def _tokens(dataset: "Dataset", where: BaseSettings, max_length: int) -> tuple[dict[str, int], dict[str, int]]:
    """Tokens of the rows as they are, uncut; and into how many windows the rows are cut where they are plain texts."""
    import numpy as np

    from capotasto.data.profile import QUANTILES

    base = load(where)
    whole = base.renderer(None, max_length=1 << 30)
    if base.is_encoder:
        rows = [whole.prompt(example.turns[:-1] or example.turns) for example in dataset.examples]
    else:
        rows = [whole.encode(example) for example in dataset.examples]
    lengths = [len(row.ids) for row in rows]
    values = np.quantile(lengths, list(QUANTILES.values()))
    tokens = {name: round(float(value)) for name, value in zip(QUANTILES, values, strict=True)}
    room = min(max_length, base.context or max_length)
    cut = base.renderer(None, room)
    texts = [example for example in dataset.examples if example.plain and not base.is_encoder]
    return tokens, {"tokens": room, "windows": sum(len(cut.windows(text)) for text in texts)} if texts else {}
