"""Training, validation and test rows: without leakage, and stable when rows are added.

What decides is the example's *prompt* (for plain text the whole text), compared without regard to case and spacing:
rows that ask the same thing always land on the same side, whatever their answers.

The rule is a hash of the prompt and the seed, compared with the fractions, so a row's side depends on its own content
and nothing else. A hash alone cannot promise that no side stays empty or that rare labels are tested; a ranking of the
hashes could, but there every added row may push another across the border, out of the test rows and into training.
So the hash is overruled in few cases, each decided from the rows *before* it alone:

- the first prompt of a label, or of a file without labels, is for training;
- the next ones fill the test and validation sides while these have no row at all;
- a label without a test row by its third prompt gets it then;
- a label's prompts on a held-out side stay near what is due: within one, or half the spread that chance would have.

The price: rows appended at the end never move an earlier row, but rows inserted, removed or reordered can move those on
which the hash was overruled: at most three without labels; with labels about a tenth, fewer the more rows a label has.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from capotasto.errors import DataError, SettingError
from capotasto.records import content_hash
from capotasto.types import Example

Side = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True)
class Splits:
    """The three sides, each in file order."""

    train: list[Example] = field(default_factory=list)
    val: list[Example] = field(default_factory=list)
    test: list[Example] = field(default_factory=list)

    @property
    def sides(self) -> dict[str, list[Example]]:
        """The rows of each side, by its name."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def sizes(self) -> dict[str, int]:
        """How many rows each side has."""
        return {side: len(rows) for side, rows in self.sides.items()}


def split(examples: Sequence[Example], val: float, test: float, seed: int) -> Splits:
    """Divide the examples; `val` and `test` are fractions with 0 <= val + test < 1, and 0 leaves a side out.

    Raises `SettingError` for other fractions and `DataError` if there are too few prompts for the sides asked for.
    """
    if not (val >= 0 and test >= 0 and val + test < 1):
        rows = len(examples)
        raise SettingError(
            f"val={val} and test={test} do not split {rows} rows; give fractions of the rows, each at least 0 and "
            f"together below 1, such as val=0.1 test=0.1"
        )
    sides = _assign(examples, {"test": test, "val": val}, seed)
    _check_sides(examples, sides, {"train": 1 - val - test, "val": val, "test": test})
    splits = Splits()
    for example in examples:
        getattr(splits, sides[leak_key(example)]).append(example)
    return splits


def leak_key(example: Example) -> str:
    """What two examples must not share across a split: the prompt, or the text where there is no prompt."""
    return " ".join((example.prompt or example.completion).split()).casefold()


def check_leakage(train: Iterable[Example], other: Iterable[Example]) -> list[tuple[str, str]]:
    """The places (in train, in other) of rows with the same prompt: what was learnt would be asked again."""
    places: dict[str, str] = {}
    for example in train:
        places.setdefault(leak_key(example), example.place)
    return [(places[leak_key(example)], example.place) for example in other if leak_key(example) in places]


def distinct(examples: Iterable[Example]) -> list[Example]:
    """The first of rows that are exactly alike: repeats cost time and make intervals look narrower than they are."""
    found: dict[object, Example] = {}
    for example in examples:
        found.setdefault((example.turns, example.label, example.weight), example)
    return list(found.values())


def _assign(examples: Iterable[Example], shares: dict[Side, float], seed: int) -> dict[str, Side]:
    """Prompt → side, from top to bottom. Each decision sees only what stands above it."""
    sides: dict[str, Side] = {}
    held: Counter[Side] = Counter()
    by_label: defaultdict[str | None, Counter[Side]] = defaultdict(Counter)
    for example in examples:
        key = leak_key(example)
        if key in sides:
            continue
        above = by_label[example.label]
        side = _opening(above, held, shares)
        if side is None:
            side = _hashed(key, shares, seed)
            side = side if example.label is None else _balanced(side, above, shares)
        sides[key] = side
        above[side] += 1
        held[side] += 1
    return sides


def _opening(above: Counter[Side], held: Counter[Side], shares: dict[Side, float]) -> Side | None:
    if not above:
        return "train"
    return next((side for side, share in shares.items() if share and not held[side]), None)


def _hashed(key: str, shares: dict[Side, float], seed: int) -> Side:
    """Test below, validation above: another validation fraction leaves the test rows as they are."""
    point = int(content_hash([str(seed), key])[:13], 16) / 16**13  # 52 bits, exact in a float: [0, 1)
    if point < shares["test"]:
        return "test"
    return "val" if point < shares["test"] + shares["val"] else "train"


def _balanced(side: Side, above: Counter[Side], shares: dict[Side, float]) -> Side:
    """The side for a label's next prompt, given how many of its earlier ones each side holds."""
    count = above.total() + 1
    if count == 3 and shares["test"] and not above["test"]:
        return "test"
    due = {held: count * share for held, share in shares.items()}
    for held in due:
        if above[held] < due[held] - _slack(due[held]):
            return held
    if side != "train" and above[side] + 1 > due[side] + _slack(due[side]):
        return "train"
    return side


def _slack(due: float) -> float:
    """How far a label's prompts on a side may be from what is due: half the spread that pure chance would have."""
    return max(1.0, math.sqrt(due) / 2)


def _check_sides(examples: Sequence[Example], sides: dict[str, Side], shares: dict[Side, float]) -> None:
    asked = [side for side, share in shares.items() if share]
    if set(asked) <= set(sides.values()):
        return
    labels = len({example.label for example in examples})
    least = max(labels, 1) + len(asked) - 1
    each = "one for each label in train and " if labels > 1 else ""
    raise DataError(
        f"too few rows to split into {', '.join(asked)}: {len(examples)} rows with {len(sides)} different prompts, and "
        f"at least {least} are needed ({each}one for each further side); "
        "add rows, set val to 0, or give the test rows a file of their own"
    )
