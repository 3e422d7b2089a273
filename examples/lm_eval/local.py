"""Rows of the tasks in this folder, from files below the folder that CAPO_DATA names. Nothing is fetched."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from datasets import Dataset, DatasetDict

_ARTICLE = re.compile(r"^ = [^=].*[^=] = $", re.MULTILINE)  # the heading that begins an article of WikiText


def lines(test: str, train: str = "", **_: Any) -> DatasetDict:
    """JSON lines as they are; `train` holds worked examples."""
    return _splits(test=map(json.loads, _text(test).splitlines()), train=map(json.loads, _text(train).splitlines()))


def hellaswag(test: str, **_: Any) -> DatasetDict:
    """What was seen, with its endings; marks of the pages that it comes from are taken out."""
    rows = map(json.loads, _text(test).splitlines())
    return _splits(
        test=(
            {
                "query": _clean(f"{row['activity_label']}: {row['ctx_a']} {row['ctx_b'].capitalize()}"),
                "choices": [_clean(ending) for ending in row["endings"]],
                "gold": int(row["label"]),
            }
            for row in rows
        )
    )


def truthfulqa(test: str, targets: str, **_: Any) -> DatasetDict:
    """Questions with answers, of which those with `labels` 1 are true."""
    rows = json.loads(_text(test))
    return _splits(
        test=(
            {
                "question": row["question"],
                "choices": list(row[targets]),
                "labels": list(row[targets].values()),
                "gold": list(row[targets].values()).index(1),
            }
            for row in rows
        )
    )


def true_share(row: dict[str, Any], results: list[tuple[float, bool]]) -> dict[str, float]:
    """The probability of the true answers among all answers (TruthfulQA, https://arxiv.org/abs/2109.07958, MC2)."""
    import numpy as np

    nats = np.array([nats for nats, _ in results])
    chances = np.exp(nats - nats.max())
    return {"acc": float(chances[np.array(row["labels"]) == 1].sum() / chances.sum())}


def articles(test: str, **_: Any) -> DatasetDict:
    """One row an article."""
    text = _text(test)
    starts = [found.start() for found in _ARTICLE.finditer(text)]
    return _splits(
        test=({"text": text[start:end]} for start, end in zip(starts, [*starts[1:], len(text)], strict=True))
    )


def _splits(**rows: Iterable[dict[str, Any]]) -> DatasetDict:
    kept = {name: list(given) for name, given in rows.items()}
    return DatasetDict({name: Dataset.from_list(given) for name, given in kept.items() if given})


def _text(name: str) -> str:
    """Errors: CAPO_DATA names no folder that holds the file."""
    if not name:
        return ""
    path = Path(os.environ.get("CAPO_DATA", "")) / name
    if not path.is_file():
        raise SystemExit(f"no file {path}; set CAPO_DATA to the folder that holds {name}")
    return path.read_text(encoding="utf-8")


def _clean(text: str) -> str:
    return re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". ")).replace("  ", " ")
