"""From a file to examples."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from capotasto.data.readers import read
from capotasto.data.rows import BadRow, Row, RowError
from capotasto.data.shapes import cells, shape
from capotasto.data.shapes.detect import OBJECTIVES, choose, for_objective, labels_repeat
from capotasto.data.shapes.shape import WEIGHT
from capotasto.data.shapes.text_score import columns_of, is_number
from capotasto.errors import DataError, SettingError, nearest
from capotasto.records import content_hash
from capotasto.types import Example

OnBadRow = Literal["stop", "skip"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """The examples of one file, in its order, and how they were found.

    columns: all columns of the file; mapping: key → column, what was used for what
    bad:     the rows that could not be used
    hash:    sha256 over the examples' contents in file order; where they stand does not count
    labels:  the distinct labels to choose one of, sorted; none unless the shape is text_label
    names:   what a head answers in: those labels, all labels of text_labels, or the columns of scores
    """

    path: str
    examples: list[Example]
    shape: str
    columns: list[str]
    mapping: dict[str, str]
    bad: list[BadRow]
    hash: str
    labels: list[str]
    names: list[str]


def load(
    path: str,
    mapping: dict[str, str] | None = None,
    on_bad_row: OnBadRow = "stop",
    max_rows: int | None = None,
    least_labels: int = 2,
    objective: str = "lm",
    number: str | None = None,
) -> Dataset:
    """Read a file (or `hub:OWNER/NAME:SPLIT`) into examples.

    mapping:    key → column, e.g. {"text": "body", "label": "queue"}; without it the columns' names decide
    on_bad_row: "stop" at the first row that cannot be used, or "skip" such rows and list them
    max_rows:   look at no more than this many rows, from the top
    least_labels: fewer different labels than this are an error: nothing is learnt from one, but one may be scored
    objective:  what is to be learnt; that of a head decides the shape (see `detect.OBJECTIVES`)
    number:     a column of numbers to be kept with the examples

    Raises `DataError` for what cannot be read or understood.
    """
    if on_bad_row not in ("stop", "skip"):
        raise SettingError(f"on_bad_row is {on_bad_row!r}; use 'stop' or 'skip'")
    if max_rows is not None and max_rows < 1:
        raise SettingError(f"max_rows is {max_rows}; use 1 or more, or leave it out for all rows")
    bad: list[BadRow] = []
    rows = list(_good(islice(read(path), max_rows), bad, on_bad_row))
    if not rows:
        raise _nothing_left(path, bad)
    columns = list(dict.fromkeys(column for row in rows for column in row.values))
    if number is not None and number not in columns:
        raise DataError(f"{path} has no column {number!r}; {nearest(number, columns)}")
    name, used = choose(path, columns, rows, mapping)
    asked = objective in OBJECTIVES
    name, used = for_objective(path, objective, (name, used)) if asked else (name, used)
    examples = list(_examples(rows, name, used, bad, on_bad_row, number))
    if not examples:
        raise _nothing_left(path, bad)
    told = asked or "label" in (mapping or {})
    if name == "text_label" and not told and not labels_repeat([example.completion for example in examples]):
        name, used, examples = _without_labels(used, examples)
    labels = _labels(path, used, examples, least_labels)
    names = labels or _names(used, columns, examples)
    return Dataset(path, examples, name, columns, used, bad, hash_of(examples), labels, names)


def _without_labels(used: dict[str, str], examples: list[Example]) -> tuple[str, dict[str, str], list[Example]]:
    """Labels that hardly repeat are numbers, or answers to be written."""
    text, label, rest = used["text"], used["label"], {key: one for key, one in used.items() if key == WEIGHT}
    if all(is_number(example.completion) for example in examples):
        numbers = [replace(one, label=None, scores=(float(one.completion),)) for one in examples]
        return "text_score", {"text": text, "score": label, **rest}, numbers
    answers = [replace(example, label=None) for example in examples]
    return "prompt_completion", {"prompt": text, "completion": label, **rest}, answers


def _names(used: dict[str, str], columns: Sequence[str], examples: Sequence[Example]) -> list[str]:
    """What a head answers in where it does not choose one label."""
    if "score" in used:
        return columns_of(used["score"], columns)
    return sorted({label for example in examples for label in example.labels or ()})


def _good(read_rows: Iterable[Row | BadRow], bad: list[BadRow], on_bad_row: OnBadRow) -> Iterator[Row]:
    for row in read_rows:
        if isinstance(row, Row):
            yield row
        else:
            _note(row, bad, on_bad_row)


def _examples(
    rows: Iterable[Row],
    name: str,
    columns: dict[str, str],
    bad: list[BadRow],
    on_bad_row: OnBadRow,
    number: str | None,
) -> Iterator[Example]:
    form = shape(name)
    for row in rows:
        try:
            example = form.example(row, columns)
            yield example if number is None else replace(example, number=cells.number(row, number))
        except RowError as error:
            _note(error.bad, bad, on_bad_row)


def _note(row: BadRow, bad: list[BadRow], on_bad_row: OnBadRow) -> None:
    if on_bad_row == "stop":
        raise DataError(f"{row.place}: {row.reason}; correct the row, or leave such rows out with --on-bad-row skip")
    bad.append(row)


def _nothing_left(path: str, bad: Sequence[BadRow]) -> DataError:
    if not bad:
        return DataError(f"{path} has no rows; it needs at least one")
    return DataError(f"{path} has no usable row among {len(bad)}; the first is {bad[0].place}: {bad[0].reason}")


def _labels(path: str, used: dict[str, str], examples: Sequence[Example], least: int) -> list[str]:
    labels = sorted({example.label for example in examples if example.label is not None})
    if len(labels) == 1 < least:
        raise DataError(
            f"{path}: all {len(examples)} rows have the same label {labels[0]!r} in column {used['label']!r}, so there "
            f"is nothing to tell apart; add rows of another label, or read the text alone with --map text=COLUMN"
        )
    return labels


def hash_of(examples: Iterable[Example]) -> str:
    """sha256 over the contents of examples, in their order."""
    return content_hash(part for example in examples for part in _parts(example))


def _parts(example: Example) -> Iterator[str]:
    """What tells one example from another, with its number of turns so that their boundaries count too."""
    yield f"{len(example.turns)} {example.label is not None}"
    if example.weight != 1:
        yield str(example.weight)
    for turn in example.turns:
        yield from (turn.role, turn.content, str(turn.learn))
