"""Scores and differences of several contenders: each metric counted once for each, and all of them paired."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from capotasto.evaluate import judge as module
from capotasto.evaluate.answers import Answers
from capotasto.evaluate.bootstrap import interval, resamples
from capotasto.evaluate.judge import judge, judge_all
from capotasto.evaluate.metric import Metric
from capotasto.evaluate.metrics import METRICS, named, usual

ROWS, CLASSES = 30, 3
CHANCES, WRITTEN = ["auroc", "brier_score"], ["chrf", "distinct_1"]


def choosing(seed: int) -> Answers:
    """The truth is that of all seeds; what is chosen is not."""
    random, truth = np.random.default_rng(seed), np.arange(ROWS) % CLASSES
    chances = random.normal(size=(ROWS, CLASSES)) + np.eye(CLASSES)[truth]
    sums, counts = random.gamma(2, 1, ROWS), random.integers(1, 9, ROWS)
    return Answers(sums, counts, chances.argmax(1), truth, classes=CLASSES, chances=chances)


def writing(seed: int) -> Answers:
    """Two rows of each prompt."""
    random, prompts = np.random.default_rng(seed), np.arange(ROWS) // 2
    said = [" ".join(random.choice(["one", "two", "six"], 4)) for _ in range(ROWS // 2)]
    written, wanted = [said[prompt] for prompt in prompts], ["one two six"] * ROWS
    return Answers(np.ones(ROWS), np.ones(ROWS, int), written=written, wanted=wanted, prompts=prompts)


@pytest.mark.parametrize(("made", "further"), [(choosing, CHANCES), (writing, WRITTEN)])
def test_scores_and_differences_are_those_of_each_metric_by_itself(made, further: list[str]) -> None:
    base, *others = (made(seed) for seed in range(3))
    weights = resamples(ROWS, prompts=base.prompts)
    bare, *judged = judge_all([base, *others], further)
    asked = [name for name in [*usual(), *further] if METRICS[name](base, weights) is not None]
    assert set(further) < set(asked)
    assert bare.scores == judge(base, further=further).scores
    assert bare.difference is None
    for one, found in zip(others, judged, strict=True):
        alone = {name: METRICS[name](one, weights) for name in asked}
        assert found.answers is one
        assert found.scores.keys() == alone.keys()
        spread = {name: values for name, values in alone.items() if values.std() > 0}
        assert {name: found.scores[name] for name in spread} == {name: interval(spread[name]) for name in spread}
        gaps = {name: interval(values - METRICS[name](base, weights)) for name, values in alone.items()}
        assert found.difference == gaps
        assert found == judge(one, base, further)
    assert judged[0].scores != judged[1].scores


def test_a_metric_is_counted_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    times: Counter[tuple[str, int]] = Counter()

    def counting(name: str):
        def values(answers: Answers, weights: np.ndarray) -> np.ndarray | None:
            times[name, id(answers)] += 1
            return named(name)(answers, weights)

        return Metric(values, (), usual=False, share=named(name).share, library=None)

    monkeypatch.setattr(module, "named", counting)
    judge_all([choosing(0), choosing(1)], [*CHANCES, "loss"])
    assert len(times) == 2 * len({*usual(), *CHANCES})
    assert set(times.values()) == {1}


@pytest.mark.parametrize("made", [choosing, writing])
@pytest.mark.parametrize("right", [True, False])
def test_a_share_of_all_or_none_has_a_width(made, right: bool) -> None:
    """Wilson's end is 1 / (1 + z² / n) from the other side, where n rows, or n prompts, were all right."""
    answers = made(0)
    if made is choosing:
        chosen = answers.truth if right else (answers.truth + 1) % CLASSES
        answers, units = replace(answers, chosen=chosen), ROWS
    else:
        answers, units = replace(answers, written=answers.wanted if right else ["no"] * ROWS), ROWS // 2
    found = judge(answers).scores["accuracy" if made is choosing else "exact_match"]
    end = 1 / (1 + 1.959964**2 / units)
    wanted = (1, end, 1) if right else (0, 0, 1 - end)
    assert (found.value, found.low, found.high) == pytest.approx(wanted)


def test_a_loss_of_one_nat_everywhere_has_none() -> None:
    found = judge(Answers(np.ones(ROWS), np.ones(ROWS, int))).scores["loss"]
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_what_only_one_side_was_asked_has_no_difference() -> None:
    scored = Answers(np.ones(ROWS), np.ones(ROWS, int))
    found = judge(choosing(0), scored)
    assert "accuracy" in found.scores
    assert set(found.difference) == {"loss"}


def test_no_difference_is_zero_with_no_width() -> None:
    found = judge(choosing(0), choosing(0)).difference
    assert {(one.value, one.low, one.high) for one in found.values()} == {(0, 0, 0)}
