"""Written answers as JSON."""

import json
from typing import Any, NoReturn


def parsed(text: str) -> tuple[Any] | None:
    """The value, in a tuple because it may be `null`; None where the text is no JSON (RFC 8259: no NaN either)."""
    try:
        return (json.loads(text, parse_constant=_refuse),)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
