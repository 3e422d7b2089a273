"""What a search tries: spaces as users write them, the rungs of the halving, and what is asked for."""

import math

import pytest

from capotasto.errors import SettingError
from capotasto.experiment.search.ask import ask
from capotasto.experiment.search.halving import Rung, look_number, rungs
from capotasto.experiment.search.settings import SearchSettings
from capotasto.experiment.search.space import Choice, Range, default_space, read_space
from capotasto.experiment.settings import TuneSettings
from tests.refusing import refused

SHARED = TuneSettings()


def test_a_space_as_text_and_as_yaml_gives_it() -> None:
    text = read_space("lr=1e-4..1e-1:log, rank=4|8|16, batch-tokens=64..512", SHARED)
    given = {
        "lr": {"low": "1e-4", "high": 0.1, "log": True},
        "rank": [4, 8, 16],
        "batch_tokens": {"low": 64, "high": 512},
    }
    assert text == read_space(given, SHARED)
    assert text == {
        "lr": Range(1e-4, 0.1, log=True),
        "rank": Choice((4, 8, 16)),
        "batch_tokens": Range(64, 512, whole=True),
    }


def test_choices_become_what_the_setting_means() -> None:
    space = read_space("dora=true|false,sites=houlsby|pfeiffer,dropout=0|0.1", SHARED)
    assert space == {
        "dora": Choice((True, False)),
        "sites": Choice(("houlsby", "pfeiffer")),
        "dropout": Choice((0.0, 0.1)),
    }


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("lerning_rate=1..2", ["'lerning_rate'", "known", "lr"]),
        ("rnak=4|8", ["'rnak'", "did you mean 'rank'"]),
        ("seed=1|2", ["'seed' cannot be searched", "same rows"]),
        ("val=0.1|0.2", ["'val' cannot be searched", "same rows"]),
        ("rank=4|eight", ["'rank'", "the space", "'eight'"]),
        ("rank=0..8", ["'rank'", "greater than or equal to 1"]),
        ("lr=1..0.1", ["'lr'", "the first must be the smaller"]),
        ("lr=0..1:log", ["'lr'", "above 0 with :log"]),
        ("lr=a..b", ["'lr'", "two numbers", "'a'"]),
        ("lr=1..2,lr=2..3", ["'lr'", "twice"]),
        ("rank", ["'rank'", "name=low..high", "name=a|b"]),
        ("", ["space is empty", "--space"]),
        ({"lr": {"low": 1}}, ["'lr'", "low and high"]),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_one_line(space: object, words: list[str]) -> None:
    with refused(*words, kind=SettingError):
        read_space(space, SHARED)


def test_the_default_space_is_around_the_methods_own_rule() -> None:
    space = default_space(TuneSettings(method="prompt+lora"), 0.02, set())
    assert space["lr"] == Range(0.002, 0.2, log=True)
    assert set(space) == {"lr", "tokens", "rank"}
    assert set(default_space(TuneSettings(method="lora"), 0.02, {"lr"})) == {"rank"}
    assert set(default_space(TuneSettings(method="full"), 0.02, set())) == {"lr"}
    with pytest.raises(SettingError, match="nothing is left to search"):
        default_space(TuneSettings(method="full"), 0.02, {"lr"})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("7", 7), (30, 30), (None, math.inf)]
)
def test_a_budget_is_a_time(text: object, seconds: float) -> None:
    assert SearchSettings.build({"budget": text}).seconds == seconds


@pytest.mark.parametrize("given", [{"budget": "soon"}, {"budget": "0m"}, {"on": "spark"}, {"halving": 1}])
def test_settings_that_cannot_be(given: dict) -> None:
    with pytest.raises(SettingError, match=f"setting '{next(iter(given))}'"):
        SearchSettings.build(given)


def test_a_third_goes_on_for_three_times_as_long() -> None:
    assert rungs(16, 3, 6) == [Rung(1 / 9, 16), Rung(1 / 3, 5), Rung(1.0, 1)]
    assert [look_number(rung.share, 6) for rung in rungs(16, 3, 6)] == [1, 2, 6]
    assert rungs(9, 3, 9) == [Rung(1 / 9, 9), Rung(1 / 3, 3), Rung(1.0, 1)]
    assert rungs(2, 3, 6) == [Rung(1.0, 2)]


@pytest.mark.parametrize("looks", [1, 2, 5, 40])
def test_rungs_rise_and_end_at_the_full_length(looks: int) -> None:
    """With few looks some rungs fall together: no trial waits where it already was."""
    found = rungs(64, 2, looks)
    numbers = [look_number(rung.share, looks) for rung in found]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == looks
    assert found[0].trials == 64


def test_the_first_trial_is_what_tune_does_by_itself() -> None:
    pytest.importorskip("optuna")
    space = read_space("lr=1e-4..1:log,rank=2|4", SHARED)
    first, *others = ask(space, [], 5, 5, 0, {"lr": 0.0123456, "rank": 8})
    assert first["lr"] == 0.0123456
    assert first["rank"] in (2, 4), "8 is outside the space"
    assert len({one["lr"] for one in (first, *others)}) == 5


def test_later_trials_are_asked_for_where_losses_were_low_and_the_same_again() -> None:
    pytest.importorskip("optuna")
    space = read_space("lr=1e-4..1:log", SHARED)
    told = [({"lr": 10 ** -(i / 4)}, abs(i / 4 - 2)) for i in range(16)]  # best near 1e-2
    told += [({"lr": 0.9}, math.inf)] * 3  # failed
    asked = ask(space, told, 8, 4, 0, {})
    near = [one["lr"] for one in asked if 1e-3 < one["lr"] < 1e-1]
    assert len(near) >= 6, asked
    assert asked == ask(space, told, 8, 4, 0, {})
    assert asked != ask(space, told, 8, 4, 1, {})
    assert all(float(f"{one['lr']:.3g}") == one["lr"] for one in asked), "few digits"
