"""How each metric is called, written and read: its title, its unit and which direction is better."""

from dataclasses import dataclass

from capotasto.report.format import SPACE, decimals_for, fixed
from capotasto.report.run import Interval


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as a reader meets it. `lower_is_better` is None where the direction is not known."""

    title: str
    unit: str = ""
    lower_is_better: bool | None = False
    percent: bool = False

    def value(self, score: Interval, signed: bool = False) -> str:
        """The value in print: `3.10`, `82.4 %`, or a signed difference: `−0.40`, `+12.4 points`."""
        text = fixed(score.value * self._factor, self._decimals(score), signed)
        unit = ("points" if signed else "%") if self.percent else ""
        return f"{text}{SPACE}{unit}" if unit else text

    def interval(self, score: Interval, signed: bool = False) -> str:
        """The interval in print, `2.95 to 3.25`; empty where there is none."""
        if score.low is None or score.high is None:
            return ""
        low, high = (fixed(end * self._factor, self._decimals(score), signed) for end in (score.low, score.high))
        return f"{low} to {high}"

    def word(self, difference: Interval) -> str:
        """What a difference says: `better` or `worse` only where its whole interval lies on one side of zero."""
        low, high = min(difference.ends), max(difference.ends)
        if len(difference.ends) < 3 or low <= 0 <= high:
            return "no clear difference"
        if self.lower_is_better is None:
            return "higher" if low > 0 else "lower"
        return "better" if (high < 0) == self.lower_is_better else "worse"

    @property
    def _factor(self) -> int:
        return 100 if self.percent else 1

    def _decimals(self, score: Interval) -> int:
        """The same decimals for a value and its interval: three significant digits of the largest of them."""
        return 1 if self.percent else decimals_for(max(map(abs, score.ends)))


KNOWN = {
    "loss": Metric("Loss", unit="nats per token, lower is better", lower_is_better=True),
    "perplexity": Metric("Perplexity", unit="lower is better", lower_is_better=True),
    "accuracy": Metric("Accuracy", unit="of the answers", percent=True),
    "accuracy_per_byte": Metric("Accuracy per byte", unit="of the answers, likelihoods by length", percent=True),
    "stereotyped": Metric("Stereotyped", unit="50 % leans to neither side", lower_is_better=None, percent=True),
    "leaning": Metric("Leaning", unit="nats to the stereotyped side", lower_is_better=None),
    "meaningful": Metric("Meaningful", unit="related sentences before unrelated ones", percent=True),
    "mc1": Metric("MC1", unit="the likeliest answer is true", percent=True),
    "mc2": Metric("MC2", unit="probability of the true answers", percent=True),
    "same_words": Metric("Same words", unit="as the bare base’s answer", lower_is_better=None, percent=True),
    "identical": Metric("Identical", unit="to the bare base’s answer", lower_is_better=None, percent=True),
    "exact_match": Metric("Exact match", unit="of the answers", percent=True),
    "macro_f1": Metric("Macro F1", unit="from 0 to 1, mean over labels"),
    "micro_f1": Metric("Micro F1", unit="from 0 to 1, over all marks"),
    "root_mean_square_error": Metric("Root mean square error", unit="lower is better", lower_is_better=True),
    "mean_absolute_error": Metric("Mean absolute error", unit="lower is better", lower_is_better=True),
    "pearson": Metric("Pearson correlation", unit="from −1 to 1"),
    "spearman": Metric("Spearman correlation", unit="from −1 to 1, of ranks"),
}


def metric(name: str) -> Metric:
    """The metric called `name`; one not known here gets its name as title and no opinion on its direction."""
    return KNOWN.get(name) or Metric(name.replace("_", " ").capitalize(), lower_is_better=None)
