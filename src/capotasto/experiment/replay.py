"""General text against forgetting: read, divided, and measured before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from capotasto import data
from capotasto.data import Dataset
from capotasto.data.split import distinct, leak_key
from capotasto.errors import DataError, SettingError
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.judge import judge_all
from capotasto.evaluate.questions import score
from capotasto.experiment.judging import Pair
from capotasto.experiment.settings import TuneSettings
from capotasto.experiment.tasks import Task, divided
from capotasto.methods.adapter import Adapter
from capotasto.session import Base
from capotasto.tokens.render import Renderer
from capotasto.tokens.replay import GENERAL, pieces
from capotasto.types import Encoded, Example

SHORTEST = 32  # tokens of a piece of text, so that there is something to learn from
TEST = 0.1  # share of the general text that is kept untouched where the settings keep none


@dataclass(frozen=True)
class GeneralText:
    """The file and its rows: those that are learnt, in pieces that fit a step, and those that are kept untouched."""

    dataset: Dataset
    train: list[Encoded]
    test: list[Encoded]


def read_replay(
    settings: TuneSettings, tasks: Sequence[Task], renderer: Renderer, dataset: Dataset | None
) -> GeneralText | None:
    """None where no general text is wanted. What a task keeps untouched is not learnt here either.

    Errors: a method that cannot forget, the file's own.
    """
    if dataset is None:
        return None
    if settings.method == "head":
        raise SettingError("--replay is against forgetting, and a head leaves the base as it is; leave --replay out")
    splits = divided(dataset, 0.0, settings.test or TEST, settings.seed)
    held = {leak_key(row) for task in tasks for row in (*task.splits.val, *task.splits.test)}
    train = [row for row in distinct(splits.train) if leak_key(row) not in held]
    if not train:
        raise DataError(f"every row of --replay {settings.replay} is kept untouched by a task; name another file")
    most = renderer.max_length
    size = min(most, max(SHORTEST, round(settings.replay_share * settings.batch_tokens)))
    return GeneralText(dataset, _encoded(renderer, train, size), _encoded(renderer, distinct(splits.test), most))


def load_replay(settings: TuneSettings) -> Dataset:
    """The file of general text, read as the settings say."""
    return data.load(str(settings.replay), on_bad_row=settings.on_bad_row, max_rows=settings.max_rows, least_labels=1)


def _encoded(renderer: Renderer, examples: Sequence[Example], size: int) -> list[Encoded]:
    """Texts in pieces of about `size` tokens, dialogues as they are."""
    whole = replace(renderer, max_length=1 << 30)
    rows = [
        row
        for example in examples
        for row in (pieces(whole.encode(example), size) if example.plain else [renderer.encode(example)])
    ]
    return [replace(row, task=GENERAL) for row in rows]


def judge_replay(base: Base, text: GeneralText, adapter: Adapter) -> dict[str, Any]:
    """The loss on general text that was kept untouched, by the base and by the adapter, for `run.json`."""
    record = Pair(*judge_all([_answers(base, text.test, one) for one in (None, adapter)])).record()
    kept = {key: record[key] for key in ("scores", "difference")}
    return {"path": text.dataset.path, "hash": text.dataset.hash, "rows": _sizes(text), **kept}


def _answers(base: Base, rows: Sequence[Encoded], adapter: Adapter | None) -> Answers:
    return Answers(*score(base, rows, [adapter] * len(rows)))


def _sizes(text: GeneralText) -> dict[str, int]:
    return {"train": len(text.train), "test": len(text.test)}
