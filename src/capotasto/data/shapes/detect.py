"""Which shape a file has and which column stands for what: told by a mapping, or found from the columns' names."""

import shlex
from collections.abc import Sequence
from statistics import fmean

from capotasto.data.column_names import LABEL, PROMPT, normalise
from capotasto.data.readers.header import numbered
from capotasto.data.rows import Row
from capotasto.data.shapes import SHAPES, shape
from capotasto.data.shapes.shape import WEIGHT
from capotasto.data.shapes.text_score import columns_of
from capotasto.errors import DataError, nearest

MOST_LABELS = 200  # distinct ones in a file without a header
LONGEST_LABEL = 40  # characters, likewise

OBJECTIVES = {  # of a head → the shape it learns from, and the key of what it learns
    "classify": ("text_label", "label"),
    "regress": ("text_score", "score"),
    "multilabel": ("text_labels", "labels"),
}

Found = tuple[str, dict[str, str]]  # the shape's name, and key → column


def choose(name: str, columns: Sequence[str], rows: Sequence[Row], mapping: dict[str, str] | None) -> Found:
    """The shape of the file `name` and what its columns are used for. A mapping wins over the names of the columns; one
    of weights alone leaves the other columns to their names."""
    if not mapping:
        return detect(name, columns, rows)
    if mapping.keys() != {WEIGHT}:
        return from_mapping(name, columns, mapping)
    _check_columns(name, columns, mapping)
    found, used = detect(name, [column for column in columns if column != mapping[WEIGHT]], rows)
    return found, {**used, **mapping}


def from_mapping(name: str, columns: Sequence[str], mapping: dict[str, str]) -> Found:
    """The shape that takes exactly these keys."""
    _check_columns(name, columns, mapping)
    fitting = next((known for known in SHAPES if shape(known).takes(mapping)), None)
    if fitting is None:
        keys = ", ".join(mapping)
        sets = "; ".join(" ".join(f"{key}=COLUMN" for key in shape(known).needs) for known in SHAPES)
        raise DataError(f"--map for {name} has the keys {keys}, which make no shape; use one of: {sets}")
    return fitting, dict(mapping)


def _check_columns(name: str, columns: Sequence[str], mapping: dict[str, str]) -> None:
    scores = columns_of(mapping["score"], columns) if "score" in mapping else []
    named = [*(column for key, column in mapping.items() if key != "score"), *scores]
    for column in named:
        if column not in columns:
            raise DataError(f"{name} has no column {column!r}, which --map names; {nearest(column, columns)}")
        if named.count(column) > 1:
            raise DataError(f"--map uses the column {column!r} of {name} twice; give each key its own column")


def detect(name: str, columns: Sequence[str], rows: Sequence[Row]) -> Found:
    """The first shape whose needed columns are there; two columns without names may be a label and a text."""
    for known in SHAPES:
        mapping = shape(known).fit(columns)
        if mapping and shape(known).clear(columns, rows, mapping):
            return known, mapping
    unnamed = _label_and_text(columns, rows)
    if unnamed:
        return "text_label", unnamed
    raise DataError(
        f"cannot tell the task from the columns of {name} ({', '.join(columns)}); say what they are, such as "
        f"{_suggestion(columns, rows)}"
    )


def for_objective(name: str, objective: str, found: Found) -> Found:
    """The shape that an objective of a head learns from, of the same text and the same column beside it."""
    known, used = found
    wanted, key = OBJECTIVES[objective]
    present = next((one for _, one in OBJECTIVES.values() if one in used), None)
    if known == wanted:
        return found
    if present is None:
        raise DataError(
            f"objective {objective} learns from a text and its {key}, and {name} is read as {known};"
            f" say which columns they are: --map text=COLUMN --map {key}=COLUMN"
        )
    return wanted, {key if one == present else one: column for one, column in used.items()}


def labels_repeat(labels: Sequence[str]) -> bool:
    """True if these are classes rather than answers: at least two rows a label on average."""
    return 2 * len(set(labels)) <= len(labels)


def _label_and_text(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, str]:
    if list(columns) != numbered(2):
        return {}
    first, second = ([str(row.values[column]) for row in rows] for column in columns)
    if _are_labels(first, second):
        return {"text": columns[1], "label": columns[0]}
    if _are_labels(second, first):
        return {"text": columns[0], "label": columns[1]}
    return {}


def _are_labels(values: Sequence[str], texts: Sequence[str]) -> bool:
    few = labels_repeat(values) and len(set(values)) <= MOST_LABELS and not labels_repeat(texts)
    return few and max(map(len, values)) <= LONGEST_LABEL and fmean(map(len, values)) < fmean(map(len, texts))


def _suggestion(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Lines to copy, made of the columns that hold text: one to continue it, one for a pair."""
    lengths = {
        column: sum(len(value) for row in rows if isinstance(value := row.values.get(column), str))
        for column in columns
    }
    longest = sorted(columns, key=lambda column: -lengths[column])
    text = next((column for column in columns if normalise(column) in PROMPT and lengths[column]), longest[0])
    lines = [f"{_mapped(text=text)} to continue a text"]
    label = next((column for column in columns if normalise(column) in LABEL), None)
    if label is not None and label != text:
        lines.append(f"{_mapped(text=text, label=label)} to tell classes apart")
    elif len(columns) > 1 and lengths[longest[1]]:
        prompt, completion = sorted(longest[:2], key=columns.index)
        lines.append(f"{_mapped(prompt=prompt, completion=completion)} to answer")
    return " or ".join(lines)


def _mapped(**keys: str) -> str:
    return " ".join(f"--map {key}={shlex.quote(column)}" for key, column in keys.items())
