"""What a metric is: a function of answers, and what must be asked for it."""

from collections.abc import Callable
from functools import update_wrapper
from importlib.util import find_spec
from typing import Literal

import numpy as np

from capotasto.evaluate.answers import Answers

Question = Literal["score", "choose", "write", "tell", "mark"]
Values = Callable[[Answers, np.ndarray], np.ndarray | None]


class Metric:
    """`(answers, weights [R, N]) → [R] values`, or None where what it needs was not asked.

    asks:    the answers it is made from; any one of these questions will do
    usual:   measured wherever it makes sense; any other one only where it is named
    share:   a mean over rows of numbers between 0 and 1, or like one
    library: the package that counts it, where that is no core dependency: (name on the index, name of the import)
    """

    def __init__(
        self, values: Values, asks: tuple[Question, ...], usual: bool, share: bool, library: tuple[str, str] | None
    ):
        self._values, self.asks, self.usual, self.share, self.library = values, asks, usual, share, library
        update_wrapper(self, values)

    def __call__(self, answers: Answers, weights: np.ndarray) -> np.ndarray | None:
        """[R, N] weights of rows → [R] values."""
        return self._values(answers, weights)

    @property
    def installed(self) -> bool:
        """True if all it needs is there."""
        return self.library is None or find_spec(self.library[1]) is not None


def metric(
    *asks: Question, usual: bool = False, share: bool = False, library: tuple[str, str] | None = None
) -> Callable[[Values], Metric]:
    """Declare a function to be a metric; see `Metric`."""
    return lambda values: Metric(values, asks, usual, share, library)
