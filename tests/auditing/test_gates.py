"""Limits: which numbers they name, when they fall, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from capotasto.auditing.gates import Gate, check, judged, read_gates
from capotasto.errors import SettingError
from capotasto.report.numbers import numbers
from tests.refusing import refused

CHANGE = "forgetting.lambada_openai.accuracy.change"
SMALL = {"value": 0.1, "low": None, "high": None}
RECORD: dict[str, Any] = {
    "detached": {"difference": 0.0},
    "skills": {
        "forgetting": {
            "lambada_openai": {
                "rows": 60,
                "scores": {
                    "accuracy": {
                        "base": {"value": 0.5, "low": 0.4, "high": 0.6},
                        "change": {"value": -0.04, "low": -0.1, "high": 0.02},
                    }
                },
                "groups": {"short": {"rows": 3, "scores": {"accuracy": {"change": SMALL}}}},
            }
        }
    },
}  # fmt: skip


def test_every_number_has_a_name() -> None:
    assert set(numbers(RECORD)) == {
        "detached.difference",
        "forgetting.lambada_openai.rows",
        "forgetting.lambada_openai.accuracy.base",
        CHANGE,
        "forgetting.lambada_openai.short.rows",
        "forgetting.lambada_openai.short.accuracy.change",
    }


@pytest.mark.parametrize(
    ("name", "gate", "held"),
    [
        (CHANGE, {"min": -0.05}, True),
        (CHANGE, {"min": -0.04}, True),  # a limit itself is allowed
        (CHANGE, {"min": -0.03}, False),
        (CHANGE, {"min": -0.05, "decides": "bound"}, False),
        (CHANGE, {"min": -0.1, "decides": "bound"}, True),
        (CHANGE, {"max": 0.0}, True),
        (CHANGE, {"max": 0.0, "decides": "bound"}, False),
        (CHANGE, {"min": -0.2, "max": -0.05}, False),
        ("detached.difference", {"max": 0}, True),
        ("detached.difference", {"min": 1, "decides": "bound"}, False),
        ("forgetting.lambada_openai.rows", {"min": 61}, False),
    ],
)
def test_a_gate_holds_or_falls(name: str, gate: dict[str, Any], held: bool) -> None:
    [found] = judged({name: Gate(**gate)}, {"tickets": RECORD})
    assert found["held"] is held
    assert (found["adapter"], found["number"]) == ("tickets", name)
    assert found["found"]["value"] == numbers(RECORD)[name] if name != CHANGE else -0.04


def test_every_adapter_passes_every_gate_by_itself() -> None:
    found = judged({CHANGE: Gate(min=-1), "detached.difference": Gate(max=0)}, {"a": RECORD, "b": RECORD})
    assert [(one["adapter"], one["number"]) for one in found] == [
        ("a", CHANGE), ("a", "detached.difference"), ("b", CHANGE), ("b", "detached.difference"),
    ]  # fmt: skip


def test_a_file_of_gates(tmp_path: Path) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(f"{CHANGE}: {{min: -0.05}}\ndetached.difference:\n  max: 0\n  decides: bound\n")
    assert read_gates(path) == {CHANGE: Gate(min=-0.05), "detached.difference": Gate(max=0, decides="bound")}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a.b: 3", ["gates.yaml: a.b has no limits", "{min: X}"]),
        ("a.b: {least: 3}", ["unknown setting 'least' in", "gates.yaml, a.b", "known: decides, max, min"]),
        ("a.b: {decides: bound}", ["a gate needs min, max or both"]),
        ("a.b: {min: low}", ["setting 'min'", "got 'low'"]),
        ("a.b: {min: .nan}", ["setting 'min'"]),
        ("a.b: {max: 1, decides: luck}", ["setting 'decides'"]),
        ("- a", ["does not hold settings"]),
        ("a: {max: 1}\na: {max: 2}", ["stands there twice"]),
    ],
)
def test_a_file_that_is_no_list_of_gates(tmp_path: Path, content: str, words: list[str]) -> None:
    path = tmp_path / "gates.yaml"
    path.write_text(content)
    with refused(*words, kind=SettingError):
        read_gates(path)


def test_an_unknown_number_is_refused_with_the_nearest_one() -> None:
    check({CHANGE: Gate(max=1)}, numbers(RECORD), (), {})
    with pytest.raises(SettingError, match=f"forgetting.lambada.change: no such number .* did you mean '{CHANGE}'"):
        check({"forgetting.lambada.change": Gate(max=1)}, numbers(RECORD), (), {})


def test_a_gate_of_a_skipped_probe_is_no_gate_that_holds() -> None:
    with pytest.raises(SettingError, match=r"the probe bbq is skipped \(no bbq.jsonl in x\)"):
        check({"bias.bbq.accuracy.change": Gate(min=0)}, numbers(RECORD), (), {"bbq": "no bbq.jsonl in x"})


def test_what_could_not_be_measured_is_no_gate_that_holds() -> None:
    with pytest.raises(SettingError, match="no such number in this audit; did you mean"):
        judged({"bias.bbq.stereotyped.change": Gate(max=1)}, {"tickets": RECORD})
    small = "forgetting.lambada_openai.short.accuracy.change"
    with pytest.raises(SettingError, match="too few rows there for an interval"):
        judged({small: Gate(max=1, decides="bound")}, {"tickets": RECORD})
    assert judged({small: Gate(max=1)}, {"tickets": RECORD})[0]["held"]
