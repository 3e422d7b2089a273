"""All metrics of base and adapters on the same rows, with intervals and differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import difference, measure, resamples
from capotasto.evaluate.metrics import named, usual
from capotasto.evaluate.together import ask_all
from capotasto.evaluate.wishes import USUAL, Wishes
from capotasto.methods.adapter import Adapter
from capotasto.tokens.render import Renderer
from capotasto.types import Example, Measure


@dataclass(frozen=True)
class Judgement:
    """Scores of one contender, and the difference to the bare base (None for the base itself)."""

    answers: Answers
    scores: dict[str, Measure]
    difference: dict[str, Measure] | None = None


def ask(
    base: FrozenBase,
    renderer: Renderer,
    examples: Sequence[Example],
    labels: Sequence[str],
    adapter: Adapter | None,
    objective: str = "lm",
    wishes: Wishes = USUAL,
) -> Answers:
    """Ask one contender all questions that make sense and are wished for; see `together.ask_all`."""
    return ask_all(base, renderer, examples, labels, [adapter], objective, wishes)[0]


def judge(answers: Answers, against: Answers | None = None, further: Sequence[str] = ()) -> Judgement:
    """Turn answers into scores; `against` are the bare base's answers on the same rows.

    further: metrics that are measured beside the usual ones
    """
    weights = resamples(answers.rows, prompts=answers.prompts)
    metrics = {name: named(name) for name in dict.fromkeys([*usual(), *further])}
    scores = {name: found for name, metric in metrics.items() if (found := measure(metric, answers, weights))}
    if against is None:
        return Judgement(answers, scores)
    gaps = {name: gap for name, metric in metrics.items() if (gap := difference(metric, answers, against, weights))}
    return Judgement(answers, scores, gaps)
