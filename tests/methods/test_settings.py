"""Which method heeds which setting."""

import pytest

from capotasto.errors import SettingError
from capotasto.methods import METHODS
from capotasto.methods.settings import HEEDED_BY, MethodSettings
from tests.refusing import refused


def test_every_setting_of_a_method_is_heeded_by_methods_that_there_are() -> None:
    assert HEEDED_BY.keys() == MethodSettings.model_fields.keys() - {"method", "stack_on"}
    assert set().union(*HEEDED_BY.values()) == set(METHODS)


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ("peft:ia3", "rank"),
        ("peft:ia3", "layers"),
        ("prompt", "reduction"),
        ("prefix", "placement"),
        ("gated", "init"),
        ("lora+head", "tokens"),
        ("full", "dropout"),
    ],
)
def test_a_setting_of_another_method_is_refused(method: str, setting: str) -> None:
    with refused(repr(setting), "the command line", method, "leave it out", kind=SettingError):
        MethodSettings(method=method).check_heeded(["method", setting], "the command line")


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ("peft:ia3", "targets"),
        ("prompt+lora", "rank"),
        ("bottleneck", "layers"),
        ("gated", "tokens"),
        ("theirs", "rank"),
    ],
)
def test_a_setting_of_the_method_or_of_a_third_party_s_is_not(method: str, setting: str) -> None:
    MethodSettings(method=method).check_heeded([setting, "epochs"], "the command line")
