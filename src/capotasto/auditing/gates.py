"""Limits for the numbers of an audit: which hold, which fell."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from capotasto.config import Settings, read_yaml
from capotasto.errors import SettingError
from capotasto.report.numbers import numbers


class Gate(Settings):
    """The limits of one number.

    decides: `value` compares the number itself; `bound` the worse end of its 95 % interval, so that a gate holds only
             where the rows are enough to tell
    """

    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    decides: Literal["value", "bound"] = "value"

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a gate needs min, max or both")
        return self


def read_gates(path: Path) -> dict[str, Gate]:
    """The gates of a file: the name of a number → its limits."""
    found = {}
    for name, limits in read_yaml(path).items():
        if not isinstance(limits, dict):
            raise SettingError(f"{path}: {name} has no limits; write `{name}: {{min: X}}`, max or both")
        found[str(name)] = Gate.build(limits, f"{path}, {name}")
    return found


def check(
    gates: Mapping[str, Gate], known: Iterable[str], openings: tuple[str, ...], skipped: Mapping[str, str]
) -> None:
    """Errors: a gate on a number that this audit will not hold, so that no gate is ever passed unseen.

    openings: a name that begins so is looked for when the numbers are there
    """
    names = sorted(known)
    for name in gates:
        if name in names or name.startswith(openings):
            continue
        absent = next((probe for probe in skipped if probe in name.split(".")), None)
        if absent is not None:
            raise SettingError(
                f"gate {name}: the probe {absent} is skipped ({skipped[absent]}); give it its file, or remove the gate"
            )
        raise _unknown(name, names)


def _unknown(name: str, names: Iterable[str]) -> SettingError:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    return SettingError(
        f"gate {name}: no such number in this audit; did you mean {close[0]!r}? `capo audit DIR --json` shows all that"
        " could be measured"
    )


def judged(gates: Mapping[str, Gate], adapters: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each gate for each adapter, with the number that decided and whether it held.

    Errors: a number that could not be measured, or that has no interval where the bound decides.
    """
    return [
        _judged(name, gate, adapter, numbers(record))
        for adapter, record in adapters.items()
        for name, gate in gates.items()
    ]


def _judged(name: str, gate: Gate, adapter: str, known: Mapping[str, Any]) -> dict[str, Any]:
    if name not in known:
        raise _unknown(name, known)
    number = known[name]
    ends = number if isinstance(number, Mapping) else dict.fromkeys(("value", "low", "high"), float(number))
    low, high = (ends["value"],) * 2 if gate.decides == "value" else (ends["low"], ends["high"])
    if low is None or high is None:
        raise SettingError(f"gate {name}: {adapter} has too few rows there for an interval; ask more --rows")
    held = (gate.min is None or low >= gate.min) and (gate.max is None or high <= gate.max)
    found = {"value": ends["value"], "low": ends["low"], "high": ends["high"]}
    return {"adapter": adapter, "number": name, **gate.model_dump(), "found": found, "held": held}
