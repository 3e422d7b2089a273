"""Parse JSON that came from anywhere: every way it can fail has a line, a column and a reason."""

import json
from typing import Any


class JsonError(Exception):
    """Where and why a text is not JSON. `line` and `column` count from 1."""

    def __init__(self, reason: str, line: int = 1, column: int = 1):
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


def parse(text: str) -> Any:
    """The value of a JSON text, or a `JsonError`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except ValueError as error:  # an integer with thousands of digits
        raise JsonError(str(error)) from None
