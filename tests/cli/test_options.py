import inspect
from typing import Any, Literal

import pytest
import typer
from pydantic import Field, field_validator
from typer.testing import CliRunner

from capotasto.cli.options import build, settings_options
from capotasto.config import Settings
from capotasto.errors import SettingError


class Fretting(Settings):
    """Where the fingers go. And more."""

    fret_number: int = Field(3, ge=0, description="which fret")
    tension: float | None = Field(None, description="how tight [in newton]")
    side: Literal["bass", "treble"] = Field("bass", description="which side")
    barre: bool = Field(False, description="all strings")
    map: dict[str, str] | None = Field(None, description="string to finger")

    @field_validator("map", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        return dict(pair.split("=") for pair in value) if isinstance(value, list) else value


class Everything(Fretting):
    """All there is."""

    own: str = Field("x", description="the command's own")


def call(*arguments: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    @settings_options(Everything)
    def command(own: str = "mine", **given: Any) -> None:
        seen.update(given)

    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return {**seen, "help": result.output}


def test_values_reach_the_settings() -> None:
    given = call(
        "--fret-number", "5", "--tension", "1e-3", "--barre", "--side", "treble", "--map", "a=b", "--map", "c=d"
    )
    settings = build(Fretting, given)
    assert settings == Fretting(fret_number=5, tension=0.001, barre=True, side="treble", map={"a": "b", "c": "d"})


def test_what_is_not_given_keeps_its_default() -> None:
    assert build(Fretting, call()) == Fretting()


def test_what_is_on_can_be_turned_off() -> None:
    class Damped(Settings):
        """One that is on."""

        left_hand: bool = Field(True, description="damp with the left hand")

    app, seen = typer.Typer(), []
    app.command()(settings_options(Damped)(lambda **given: seen.append(build(Damped, given))))
    for arguments in ([], ["--no-left-hand"], ["--left-hand"]):
        CliRunner().invoke(app, arguments)
    assert [one.left_hand for one in seen] == [True, False, True]


def test_a_parameter_of_the_function_is_not_made_again() -> None:
    @settings_options(Everything)
    def command(own: str = "mine", **given: Any) -> None: ...

    parameters = inspect.signature(command).parameters
    assert list(parameters) == ["own", *Fretting.model_fields]
    assert parameters["own"].default == "mine"


def test_only_the_named_ones_are_made() -> None:
    @settings_options(Everything, only=("tension",))
    def command(**given: Any) -> None: ...

    assert list(inspect.signature(command).parameters) == ["tension"]


def test_help_holds_description_default_choices_and_group() -> None:
    text = " ".join(call("--help")["help"].split())
    for promise in ("which fret [3]", "how tight [in newton]", "bass|treble", "KEY=COLUMN", "Where the fingers go"):
        assert promise in text
    assert "[False]" not in text
    assert "[None]" not in text


def test_a_value_out_of_range_names_setting_and_place() -> None:
    with pytest.raises(
        SettingError, match=r"'fret_number' in the command line: .*greater than or equal to 0, got '-1'"
    ):
        build(Fretting, {"fret_number": "-1"})
