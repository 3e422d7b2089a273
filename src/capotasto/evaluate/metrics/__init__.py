"""One file a metric. A metric is a function of row weights, so that its bootstrap is a matrix product.

Each is a `Metric`, which says what must be asked for it: `(answers, weights [R, N]) → [R] values`, or None where that
was not asked.
"""

from collections.abc import Iterable
from typing import cast

from capotasto.evaluate.metric import Metric
from capotasto.registry import Table

METRICS = Table(
    "metric",
    {
        name: f"capotasto.evaluate.metrics.{name}:{name}"
        for name in (
            "loss",
            "accuracy",
            "macro_f1",
            "exact_match",
            "root_mean_square_error",
            "mean_absolute_error",
            "pearson",
            "spearman",
            "micro_f1",
            "perplexity",
            "bits_per_byte",
            "matthews_correlation",
            "auroc",
            "calibration_error",
            "brier_score",
            "token_f1",
            "rouge_1",
            "rouge_2",
            "rouge_l",
            "bleu",
            "chrf",
            "json_valid",
            "json_schema",
            "mean_words",
            "length_ratio",
            "repetition",
            "distinct_1",
            "distinct_2",
        )
    },
)

LOWER_IS_BETTER = frozenset(
    {
        "loss",
        "root_mean_square_error",
        "mean_absolute_error",
        "perplexity",
        "bits_per_byte",
        "calibration_error",
        "brier_score",
        "repetition",
    }
)
NEITHER_IS_BETTER = frozenset({"mean_words", "length_ratio"})
DECISIVE = ("accuracy", "root_mean_square_error", "micro_f1", "loss")  # the first that was scored decides


def named(name: str) -> Metric:
    """The metric of this name. Errors: there is none."""
    return cast(Metric, METRICS[name])


def usual() -> list[str]:
    """The metrics that are measured wherever they make sense, without being named."""
    return [name for name in METRICS if named(name).usual]


def decisive(scores: Iterable[str]) -> str:
    """Which of these metrics says whether an adapter helps."""
    return next(name for name in DECISIVE if name in scores)
