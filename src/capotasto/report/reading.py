"""Reading the file that a page is made from, checked once."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from capotasto import records
from capotasto.errors import UserError
from capotasto.report.run import Part

Read = TypeVar("Read", bound=Part)


def read_record(part: type[Read], path: Path, what: str, remedy: str) -> Read:
    """What `path` holds. UserError names the file and the field that cannot be used.

    what:   what it should describe, in words
    remedy: how it is made anew
    """
    content = records.read_json(path)
    try:
        return part(**content)
    except (ValidationError, TypeError) as error:
        fault = _fault(error) if isinstance(error, ValidationError) else "it holds no fields"
        raise UserError(f"{path} does not describe {what}: {fault}; {remedy}") from None


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"`{place}` cannot be used" if place else first["msg"].removeprefix("Value error, ")
