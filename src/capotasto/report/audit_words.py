"""Limits and numbers of an audit in print."""

from collections.abc import Mapping
from typing import Any

from capotasto.report import format
from capotasto.report.audit import Judged

_ENDS = {"value": "its value", "bound": "the worse end of its interval"}


def limit(gate: Judged) -> str:
    """What a gate asks for: `at least −0.05, by its value`."""
    ends = (("at least", gate.min), ("at most", gate.max))
    asked = " and ".join(f"{words} {format.minus(f'{end:g}')}" for words, end in ends if end is not None)
    return f"{asked}, by {_ENDS.get(gate.decides, gate.decides)}"


def measured(gate: Judged) -> str:
    """The number that was found, with its interval: `−0.12 (−0.2 to −0.03)`."""
    found = gate.found
    return _in_print(found.value, found.low, found.high)


def told(found: Any) -> str:
    """A plain number or `{value, low, high}`."""
    if isinstance(found, Mapping):
        return _in_print(found["value"], found.get("low"), found.get("high"))
    return format.plain(found) if isinstance(found, bool | int) else _in_print(found)


def _in_print(value: float, *ends: float | None) -> str:
    known = [format.minus(f"{end:.3g}") for end in ends if end is not None]
    text = format.minus(f"{value:.3g}")
    return f"{text} ({' to '.join(known)})" if len(set(known)) == 2 else text
