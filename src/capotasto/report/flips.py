"""What a contender changed row by row, against the base alone: what it put right, and what it broke."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from capotasto.report import svg
from capotasto.report.compare import Comparison, Sheet
from capotasto.report.format import count

ROW = 24  # pixels
MOST = 4  # rows that are shown of each kind
LONGEST = 1500  # characters of a text; what is longer is cut


@dataclass(frozen=True, slots=True)
class Flip:
    """A row that went better or worse, with what both answered."""

    prompt: str
    wanted: str
    base: str
    told: str


@dataclass(frozen=True, slots=True)
class Flips:
    """How many rows went better and worse, and the ones with the largest difference."""

    fixed: int
    broken: int
    best: list[Flip]
    worst: list[Flip]


def flips(found: Comparison, base: Sheet, told: Sheet) -> Flips:
    """Rows that count, by the difference of their qualities."""
    gaps = [mine - theirs for mine, theirs in zip(told.quality, base.quality, strict=True)]
    order = sorted(found.units, key=gaps.__getitem__)
    worse = [row for row in order if gaps[row] < 0]
    better = [row for row in reversed(order) if gaps[row] > 0]
    best, worst = ([_flip(found, base, told, row) for row in rows[:MOST]] for rows in (better, worse))
    return Flips(len(better), len(worse), best, worst)


def _flip(found: Comparison, base: Sheet, told: Sheet, row: int) -> Flip:
    texts = (found.rows[row].prompt, found.rows[row].wanted, _answer(found, base, row), _answer(found, told, row))
    return Flip(*map(bounded, texts))


def _answer(found: Comparison, sheet: Sheet, row: int) -> str:
    """What was chosen among the labels, else what was written, else the loss."""
    if sheet.chosen:
        return found.data.labels[sheet.chosen[row]] if sheet.chosen[row] >= 0 else "no label"
    if sheet.written:
        return sheet.written[row]
    return f"{sheet.nats[row] / max(1.0, sheet.tokens[row]):.3f} nats per token" if sheet.nats and sheet.tokens else ""


def bounded(text: str) -> str:
    """A text of a length that a page can bear."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({count(len(text))} characters)"


def bars(found: Flips, most: int, rows: int) -> Markup:
    """Rows that went worse to the left of a line, those that went better to the right; `most` fills either side."""
    left, right = (0.5 * part / max(1, most) * 0.86 for part in (found.broken, found.fixed))
    middle = ROW / 2
    parts = [
        _bar(0.5 - left, left, "span base"),
        _bar(0.5, right, "span tuned"),
        svg.rule(0.5, 0, 0.5, ROW, "line zero"),
        svg.text(0.5 - left, middle, count(found.broken), dx=-5, dy=4, text_anchor="end"),
        svg.text(0.5 + right, middle, count(found.fixed), dx=5, dy=4),
    ]
    return svg.picture(ROW, f"{found.fixed} of {rows} rows went better, {found.broken} worse.", "bars", parts)


def _bar(left: float, width: float, class_: str) -> Markup:
    place: dict[str, str | float] = {"x": svg.across(left), "width": svg.across(width), "y": 5, "height": ROW - 10}
    return svg.tag("rect", **place, class_=class_)


def most(all_flips: Sequence[Flips]) -> int:
    """The largest count of any of them."""
    return max((max(one.fixed, one.broken) for one in all_flips), default=0)
