"""Every number of a record by one name."""

from collections.abc import Mapping
from typing import Any

_SILENT = ("skills", "findings", "scores", "groups")  # levels of an audit's record that a name leaves out


def numbers(part: Mapping[str, Any], start: str = "") -> dict[str, Any]:
    """Every number of one adapter's record by its name, such as `forgetting.lambada_openai.accuracy.change`: a plain
    number, or `{value, low, high}`."""
    found: dict[str, Any] = {}
    for key, value in part.items():
        name = start if key in _SILENT else f"{start}.{key}".removeprefix(".")
        if isinstance(value, Mapping) and "value" not in value:
            found |= numbers(value, name)
        elif isinstance(value, Mapping | int | float):
            found[name] = value
    return found
