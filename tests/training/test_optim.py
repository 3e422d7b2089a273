"""Learning rates: the shape of the schedule and the rule for its height."""

import pytest

from capotasto.methods.angular import angular
from capotasto.training.optim import learning_rate_at


@pytest.mark.parametrize("steps", [1, 2, 7, 100, 1000])
def test_the_rate_climbs_to_the_peak_and_falls_to_a_twentieth(steps: int) -> None:
    rates = [learning_rate_at(step, steps, peak=2.0) for step in range(steps)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(2.0)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert min(rates) > 0
    assert top <= max(1, round(0.05 * steps))
    if steps > 1:
        assert learning_rate_at(steps, steps, peak=2.0) == pytest.approx(0.1)


def test_the_rule_turns_vectors_of_any_size_by_the_same_angle() -> None:
    assert angular(0.02) / 0.02 == pytest.approx(angular(3.0) / 3.0)
