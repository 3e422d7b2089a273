"""Several contenders on the same rows: their differences, resampled together, and what choosing among many costs.

K contenders answered N rows; all are resampled with the same R weights (`bootstrap.resamples`), so that what makes a
row hard for everyone cancels. The first of the R values is the one on the data themselves.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from capotasto.evaluate.answers import Answers
from capotasto.evaluate.metrics import LOWER_IS_BETTER, METRICS

NORMAL = NormalDist()
LEVEL = 0.05  # what an interval leaves outside, and below which a p-value counts


@dataclass(frozen=True, slots=True)
class Contrast:
    """A difference of two contenders with its interval, and how surprising it were if there was none."""

    value: float
    low: float
    high: float
    p: float

    def as_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "p": self.p}

    @property
    def turned(self) -> "Contrast":
        """The second minus the first."""
        return Contrast(0.0 - self.value, 0.0 - self.high, 0.0 - self.low, self.p)  # -0.0 would be printed

    @property
    def is_clear(self) -> bool:
        """True where the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def resampled(metric: str, answers: Answers, quality: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[R] one contender's score in each resample.

    A metric over the whole set (nats over tokens, an F1) is computed anew for each; where the answers do not hold what
    it needs, it is the mean over the rows, or prompts, of their `quality`: [N], more is better.
    """
    found = METRICS[metric](answers, weights) if metric in METRICS else None  # type: ignore[operator]
    if found is not None:
        return np.asarray(found)
    sign = -1 if metric in LOWER_IS_BETTER else 1
    shared = answers.by_prompt(weights)
    return sign * (shared @ quality) / shared.sum(1)


def against(values: np.ndarray, control: np.ndarray, rows: int) -> list[Contrast]:
    """[K, R] and [R] scores → each contender minus the control, with p-values for that one question alone.

    The interval is the percentile bootstrap, expanded for few rows (`Expansion`). It leaves out zero where p is below
    LEVEL. Where no resample lies beyond zero, how far away zero is decides on p, in standard errors.
    """
    gaps = values - control
    observed, drawn = gaps[:, 0], gaps[:, 1:]
    expansion = Expansion(rows)
    low, high = np.quantile(drawn, [expansion.tail, 1 - expansion.tail], axis=1)
    beyond = np.minimum((drawn <= 0).sum(1), (drawn >= 0).sum(1))
    far = np.array([-NORMAL.inv_cdf(share) for share in np.minimum(0.5, (beyond + 1) / (drawn.shape[1] + 1))])
    error = drawn.std(1)
    unseen = np.divide(np.abs(observed), error, out=np.zeros_like(error), where=(beyond == 0) & (error > 0))
    p = [expansion.p_value(deviation) for deviation in np.maximum(far, unseen)]
    return [Contrast(*map(float, one)) for one in zip(observed, low, high, p, strict=True)]


def against_best(values: np.ndarray, best: int, rows: int) -> list[Contrast]:
    """[K, R] scores → each contender minus the one called best, which was chosen on these very rows.

    A contender's interval is as wide as it must be to hold for its differences to all others at once, whichever of
    them came out best: the comparisons with any control of Edwards and Hsu (1983,
    https://doi.org/10.1080/01621459.1983.10477047), by the largest of the studentised resampled differences (the maxT
    of Westfall and Young, "Resampling-Based Multiple Testing", 1993, section 2.5). So the contenders whose interval
    holds zero are, with 95 % confidence, a set with the truly best one in it.
    """
    return [_against_best(values[own] - values, own, best, rows) for own in range(len(values))]


def _against_best(gaps: np.ndarray, own: int, best: int, rows: int) -> Contrast:
    """[K, R] one contender minus each: the difference to the best of them."""
    value = float(gaps[best, 0])
    if own == best:
        return Contrast(0.0, 0.0, 0.0, 1.0)
    spread = (gaps[:, 1:] - gaps[:, :1]) * Expansion(rows).factor
    error = spread.std(1, keepdims=True)
    largest = np.divide(np.abs(spread), error, out=np.zeros_like(spread), where=error > 0).max(0)
    mine = float(error[best, 0])
    reach = float(np.quantile(largest, 1 - LEVEL)) * mine
    surprise = abs(value) / mine if mine else (np.inf if value else 0.0)
    p = ((largest >= surprise).sum() + 1) / (len(largest) + 1)
    return Contrast(value, value - reach, value + reach, float(p))


class Expansion:
    """How much further than resampled differences lie an interval over N rows has to reach; hardly at all from 200 on.

    Resampling takes the rows for the whole population, whose variance is N / (N − 1) times larger, and that variance is
    itself estimated, for which Student's t stands: the expanded percentile interval (Hesterberg 2015,
    https://doi.org/10.1080/00031305.2015.1089789). Between t and the normal distribution goes formula 26.7.8 of
    Abramowitz and Stegun's "Handbook of Mathematical Functions".
    """

    def __init__(self, rows: int):
        self._freedom = max(rows - 1, 4)  # the formula is of no use below
        self._shrink = (self._freedom / (self._freedom + 1)) ** 0.5
        z = -NORMAL.inv_cdf(LEVEL / 2)
        t = z / ((1 - 1 / (4 * self._freedom)) ** 2 - z**2 / (2 * self._freedom)) ** 0.5
        self.factor = t / z / self._shrink  # by which a deviation is stretched
        self.tail = NORMAL.cdf(-t / self._shrink)  # share of the resamples beyond either end of an interval

    def p_value(self, deviation: float) -> float:
        """The two-sided p-value where zero is so many standard errors of the resamples away."""
        t = -deviation * self._shrink
        return 2 * NORMAL.cdf(t * (1 - 1 / (4 * self._freedom)) / (1 + t**2 / (2 * self._freedom)) ** 0.5)


def holm(p: np.ndarray) -> np.ndarray:
    """[K] p-values → those of Holm (1979, https://www.jstor.org/stable/4615733): the chance that any of K true
    hypotheses falls below a bound is at most that bound, however the K depend on one another."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty_like(p)
    found[order] = np.minimum(stepped, 1.0)
    return found
