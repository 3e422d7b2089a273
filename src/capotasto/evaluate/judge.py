"""All metrics of base and adapters on the same rows, with intervals and differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capotasto.base.frozen import FrozenBase
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import interval, resamples
from capotasto.evaluate.metrics import named, usual
from capotasto.evaluate.shares import share
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
    return judge_all([answers] if against is None else [against, answers], further)[-1]


def judge_all(answers: Sequence[Answers], further: Sequence[str] = ()) -> list[Judgement]:
    """The bare base, whose answers come first, and the others against it, all on the same rows.

    further: as in `judge`
    """
    prompts = answers[0].prompts
    units = answers[0].rows if prompts is None else int(prompts.max()) + 1
    weights = resamples(answers[0].rows, prompts=prompts)
    base, *others = [_resampled(one, weights, further) for one in answers]
    judged = [Judgement(answers[0], _scores(base, units))]
    for one, own in zip(answers[1:], others, strict=True):
        gaps = {name: interval(values - base[name]) for name, values in own.items() if name in base}
        judged.append(Judgement(one, _scores(own, units), gaps))
    return judged


def _resampled(answers: Answers, weights: np.ndarray, further: Sequence[str]) -> dict[str, np.ndarray]:
    """Metric → [R] its value in each resample; one without what it needs is left out."""
    found = {name: named(name)(answers, weights) for name in dict.fromkeys([*usual(), *further])}
    return {name: values for name, values in found.items() if values is not None}


def _scores(resampled: dict[str, np.ndarray], units: int) -> dict[str, Measure]:
    """With intervals. Where all rows are right, or none, resampling sees no spread, and Wilson's interval is told."""
    found = {name: interval(values) for name, values in resampled.items()}
    for name, measure in found.items():
        if named(name).share and measure.low == measure.high and round(measure.value, 9) in (0, 1):
            found[name] = share(round(measure.value) * units, units)
    return found
