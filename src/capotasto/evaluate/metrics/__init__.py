"""One file a metric. A metric is a function of row weights, so that its bootstrap is a matrix product.

Each is `(answers, weights [R, N]) → [R] values`, or None where the answers it needs were not asked for.
"""

from capotasto.registry import Table

METRICS = Table(
    "metric",
    {
        "loss": "capotasto.evaluate.metrics.loss:loss",
        "accuracy": "capotasto.evaluate.metrics.accuracy:accuracy",
        "macro_f1": "capotasto.evaluate.metrics.macro_f1:macro_f1",
        "exact_match": "capotasto.evaluate.metrics.exact_match:exact_match",
    },
)

LOWER_IS_BETTER = frozenset({"loss"})
