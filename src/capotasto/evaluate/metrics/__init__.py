"""One file a metric. A metric is a function of row weights, so that its bootstrap is a matrix product.

Each is `(answers, weights [R, N]) → [R] values`, or None where the answers it needs were not asked for.
"""

from collections.abc import Iterable

from capotasto.registry import Table

METRICS = Table(
    "metric",
    {
        "loss": "capotasto.evaluate.metrics.loss:loss",
        "accuracy": "capotasto.evaluate.metrics.accuracy:accuracy",
        "macro_f1": "capotasto.evaluate.metrics.macro_f1:macro_f1",
        "exact_match": "capotasto.evaluate.metrics.exact_match:exact_match",
        "root_mean_square_error": "capotasto.evaluate.metrics.root_mean_square_error:root_mean_square_error",
        "mean_absolute_error": "capotasto.evaluate.metrics.mean_absolute_error:mean_absolute_error",
        "pearson": "capotasto.evaluate.metrics.pearson:pearson",
        "spearman": "capotasto.evaluate.metrics.spearman:spearman",
        "micro_f1": "capotasto.evaluate.metrics.micro_f1:micro_f1",
    },
)

LOWER_IS_BETTER = frozenset({"loss", "root_mean_square_error", "mean_absolute_error"})
DECISIVE = ("accuracy", "root_mean_square_error", "micro_f1", "loss")  # the first that was scored decides


def decisive(scores: Iterable[str]) -> str:
    """Which of these metrics says whether an adapter helps."""
    return next(name for name in DECISIVE if name in scores)
