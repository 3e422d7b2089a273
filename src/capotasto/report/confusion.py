"""Which labels were taken for which: the whole matrix while it can be read, else its most frequent mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass

from capotasto.report.format import SPACE, number

MOST_LABELS = 25
MOST_MISTAKES = 10

Matrix = Sequence[Sequence[int]]  # counts: row = true label, column = predicted label


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a label was predicted, and its share of the rows with that true label, 0 to 1."""

    count: int
    share: float
    right: bool


@dataclass(frozen=True, slots=True)
class Mistake:
    """One label taken for another, with the share of the true label's rows in print."""

    true: str
    predicted: str
    count: int
    share: str


def heat(matrix: Matrix) -> list[list[Cell]]:
    """The matrix as cells to be shaded; empty where it has too many labels to be read."""
    if len(matrix) > MOST_LABELS:
        return []
    return [
        [Cell(count, count / max(1, sum(row)), true == predicted) for predicted, count in enumerate(row)]
        for true, row in enumerate(matrix)
    ]


def mistakes(matrix: Matrix, labels: Sequence[str]) -> list[Mistake]:
    """The most frequent mistakes, the most frequent first."""
    wrong = [
        (count, true, predicted)
        for true, row in enumerate(matrix)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    worst = sorted(wrong, key=lambda found: (-found[0], -found[0] / sum(matrix[found[1]])))[:MOST_MISTAKES]
    return [
        Mistake(labels[true], labels[predicted], count, f"{number(100 * count / sum(matrix[true]))}{SPACE}%")
        for count, true, predicted in worst
    ]
