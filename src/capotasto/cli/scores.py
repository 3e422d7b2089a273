"""The table of scores: metrics down, contenders across, each number with its 95 % interval."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from capotasto.cli.terminal import table
from capotasto.report.run import Interval
from capotasto.report.view import Score

COLOURS = {"better": "green", "worse": "red"}


def scores_table(contenders: Mapping[str, Sequence[Score]]) -> Table:
    """One block of lines for each contender that is compared with the base; a line for each metric."""
    compared = any(score.tuned for scores in contenders.values() for score in scores)
    made = table("", "base", *(["tuned", "difference"] if compared else []))
    for name, scores in contenders.items():
        if len(contenders) > 1:
            made.add_section()
            made.add_row(Text(name, "bold"))
        for score in scores:
            made.add_row(score.metric.title, *_cells(score))
    return made


def _cells(score: Score) -> list[Text]:
    cells = [_number(score.value(one), score.interval(one)) for one in (score.base, score.tuned) if one]
    if score.difference:
        value, ends = score.change
        cells.append(_number(value, ends, score.word))
    return cells


def _number(value: str, ends: str, word: str = "") -> Text:
    return Text.assemble(value, (f"  {word}" if word else "", COLOURS.get(word, "dim")), (f"\n{ends}", "dim"))


def interval(numbers: Mapping[str, float] | None) -> Interval | None:
    """A score as the report takes it, or None."""
    return Interval(**numbers) if numbers else None
