"""Errors a user can act on: one line that says the cause, the place and the remedy."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can put right. The text is one line: cause, place, remedy."""

    exit_code = 2


class SettingError(UserError):
    """A setting that does not exist, or a value it cannot take."""


class DataError(UserError):
    """A data file, row or column that cannot be used as it is."""


class BaseError(UserError):
    """A base model that is unknown, unreachable or not supported."""


class AdapterError(UserError):
    """An adapter that is unknown, damaged or made for another base."""


class TrainingError(UserError):
    """A training that had to stop; what was earned before is kept."""

    exit_code = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint that ends an error about an unknown name: the closest known one, then all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(names) or 'none'}"
