"""One sentence that says whether the adapter helps, and what to try where it does not learn."""

from collections import Counter

import numpy as np

from capotasto.evaluate.judge import Judgement
from capotasto.evaluate.metrics import LOWER_IS_BETTER, decisive
from capotasto.types import Measure

NAMES = {"loss": "held-out loss", "root_mean_square_error": "root mean square error", "micro_f1": "micro-F1"}
NUMBERS = {"loss", "root_mean_square_error"}  # no shares
BASES = {  # what stands for the bare base, where it has no such answer of its own
    "root_mean_square_error": "for the mean of these rows",
}
FEWEST = 10  # rows; on fewer, no interval is worth its name
COLLAPSE = 0.9  # share of rows with one and the same chosen label that counts as collapse


def verdict(base: Judgement, tuned: Judgement) -> tuple[bool, str]:
    """(it measurably helps, one sentence), by the decisive one of the metrics."""
    name = decisive(tuned.scores)
    gap = (tuned.difference or {})[name]
    sign = -1 if name in LOWER_IS_BETTER else 1
    low, high = sorted((sign * gap.low, sign * gap.high))
    rows = tuned.answers.rows
    without = f"{_show(name, base.scores[name])} {BASES.get(name, f'for {base.answers.by}')}"
    numbers = f"{NAMES.get(name, name)} {without}, {_show(name, tuned.scores[name])} tuned"
    tail = f"{numbers}, on {rows} untouched rows"
    if rows < FEWEST:
        return False, f"Too few rows to tell: {tail}; at least {FEWEST} different ones are needed."
    if low > 0:
        return True, f"It helps: {tail}."
    if high < 0:
        return False, f"It harms: {tail}; use the base as it is."
    return False, f"No measurable difference: {tail}; the interval of the difference includes zero."


def _show(name: str, measure: Measure) -> str:
    if name in NUMBERS:
        return f"{measure.value:.3f} ({measure.low:.3f}–{measure.high:.3f})"
    return f"{measure.value:.1%} ({measure.low:.1%}–{measure.high:.1%})".replace("%", " %")


def diagnosis(
    base: Judgement, tuned: Judgement, norms: np.ndarray | None, usual: float, gradients: list[float], labels: list[str]
) -> list[str]:
    """Signs that a prompt did not learn, each with what to try.

    norms: [P] lengths of the virtual tokens, None where there are none
    usual: median length of the vocabulary's vectors
    gradients: gradient norm of every step
    """
    found = []
    if norms is not None and (np.median(norms) > 3 * usual or np.median(norms) < usual / 3):
        found.append(
            f"The virtual tokens are {np.median(norms) / usual:.1f} times as long as the vocabulary's vectors:"
            " far from anything the base has read. Try --init text:… and leave --lr out."
        )
    if gradients and max(gradients) < 1e-6:
        found.append("The gradients are almost zero: the prompt cannot reach the loss. Check the completions.")
    found += _collapse(tuned, labels)
    if tuned.answers.rows >= FEWEST and not verdict(base, tuned)[0]:
        found.append("It is no better than the base. Try more rows, more epochs, or more --tokens.")
    return found


def _collapse(tuned: Judgement, labels: list[str]) -> list[str]:
    chosen, truth = tuned.answers.chosen, tuned.answers.truth
    if chosen is None or truth is None or len(set(truth.tolist())) < 2:
        return []
    label, times = Counter(chosen.tolist()).most_common(1)[0]
    usual = Counter(truth.tolist()).most_common(1)[0][1]
    if times < COLLAPSE * len(chosen) or usual >= times:
        return []
    return [
        f"It answers {labels[label]!r} on {times} of {len(chosen)} rows: collapse to one class."
        " Try more epochs, --init labels, or balance the rows."
    ]
