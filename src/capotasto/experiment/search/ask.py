"""Which settings to try next, by Optuna's tree-structured Parzen estimator (https://arxiv.org/abs/2304.11127).

What is asked follows from seed and trials so far alone. A search that goes on after a crash therefore asks for what it
would have asked for, without a store of Optuna's own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from capotasto.errors import SettingError
from capotasto.experiment.search.space import Range, Space

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 3  # significant digits of a searched number, so that people can repeat it
Told = tuple[dict[str, Any], float]  # settings, and their loss at the first rung: infinite for a trial that failed


def check_installed() -> None:
    """Errors: Optuna is not there."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise SettingError('a search needs Optuna, which is not installed; pip install "capotasto[search]"') from None


def ask(space: Space, told: Sequence[Told], count: int, startup: int, seed: int, first: dict[str, Any]) -> list[dict]:
    """The next `count` settings to try, all at once.

    told:    trials so far; the first `startup` of all are drawn at random, the later ones where losses were low
    first:   what the very first trial takes, as far as the space holds it
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    values = {name: _distribution(one) for name, one in space.items()}
    sampler = optuna.samplers.TPESampler(
        seed=seed * 1_000_003 + len(told), n_startup_trials=startup, constant_liar=True
    )
    study = optuna.create_study(direction="minimize", sampler=sampler)
    study.add_trials(
        [optuna.trial.create_trial(params=params, distributions=values, value=loss) for params, loss in told]
    )
    if not told:
        study.enqueue_trial({name: first[name] for name, one in space.items() if one.holds(first.get(name))})
    asked = [study.ask(values).params for _ in range(count)]
    return [
        {name: value if value == first.get(name) else _short(value, space[name]) for name, value in params.items()}
        for params in asked
    ]


def _distribution(values: Any) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(values, Range):
        return CategoricalDistribution(values.values)
    if values.whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _short(value: Any, values: Any) -> Any:
    """A number in few digits, within its range."""
    if not isinstance(value, float) or not isinstance(values, Range):
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), values.low), values.high)
