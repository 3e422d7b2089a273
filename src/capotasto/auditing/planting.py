"""A copy of a data file with canaries in it, and the key that tells them."""

import json
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from capotasto.auditing.canaries import Canary, Key, draw
from capotasto.data import Dataset, split
from capotasto.data.readers import read
from capotasto.data.rows import Row
from capotasto.data.shapes.shape import WEIGHT
from capotasto.data.split import leak_key
from capotasto.errors import DataError, SettingError
from capotasto.records import write_text

TIMES = 50


def plant(
    dataset: Dataset,
    count: int,
    out: Path,
    times: int = TIMES,
    val: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    max_rows: int | None = None,
) -> Path:
    """Write the rows of the data set's file and behind them `count` canaries, each `times` times, as JSON lines.

    Rows added at the end move no other row to another side. The canaries are drawn so that those who divide the copy by
    the same `val`, `test` and `seed` learn all of them.
    Returns the key's path: `tickets.canaries.json` beside `tickets.jsonl`.
    Errors: nothing is written in these data, or `out` cannot be used.
    """
    _check_out(out)
    key = key_of(out)
    canaries = _drawn(dataset, count, val, test, seed)
    rows = [row.values for row in islice(read(dataset.path), max_rows) if isinstance(row, Row)]
    planted = [cells(canary, dataset) for canary in canaries for _ in range(times)]
    write_text(out, "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in [*rows, *planted]))
    Key(dataset.path, str(out), times, tuple(canaries)).write(key)
    return key


def key_of(copy: Path) -> Path:
    """Where the key of a copy lies."""
    return copy.with_suffix(".canaries.json")


def cells(canary: Canary, dataset: Dataset) -> dict[str, Any]:
    """The canary as a row of such a file. Errors: nothing is written in its rows."""
    used, text = dataset.mapping, canary.example().completion
    weight = {used[WEIGHT]: 1} if WEIGHT in used else {}
    if dataset.shape == "text":
        return {used["text"]: text, **weight}
    if dataset.shape == "prompt_completion":
        return {used["prompt"]: canary.prompt, used["completion"]: text, **weight}
    if dataset.shape == "alpaca":
        return {used["instruction"]: canary.prompt, used["output"]: text, **weight}
    if dataset.shape in ("messages", "sharegpt"):
        return {**_dialogue(canary.prompt, text, dataset), **weight}
    raise DataError(
        f"{dataset.path} is read as {dataset.shape}: what is learnt from it is chosen or told, not written, and a"
        " canary would never be learnt; take data with texts or answers"
    )


def _dialogue(prompt: str, text: str, dataset: Dataset) -> dict[str, Any]:
    if dataset.shape == "messages":
        said = [{"role": "user", "content": prompt}, {"role": "assistant", "content": text}]
        return {dataset.mapping["messages"]: said}
    return {dataset.mapping["conversations"]: [{"from": "human", "value": prompt}, {"from": "gpt", "value": text}]}


def _drawn(dataset: Dataset, count: int, val: float, test: float, seed: int) -> list[Canary]:
    """Canaries about different things, all of them for training."""
    chance, plain = Random(seed), dataset.shape == "text"
    found: list[Canary] = []
    while len(found) < count:
        canary = draw(chance, plain)
        rows = [one.example() for one in (*found, canary)]
        train = {leak_key(row) for row in split([*dataset.examples, *rows], val, test, seed).train}
        if canary.about not in [one.about for one in found] and leak_key(rows[-1]) in train:
            found.append(canary)
    return found


def _check_out(out: Path) -> None:
    if out.suffix != ".jsonl":
        raise SettingError(f"--out {out}: the copy is written as JSON lines; name a file that ends in .jsonl")
    if out.exists():
        raise SettingError(f"--out {out} exists already; name a new file")
