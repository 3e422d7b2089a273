"""What a user is told who gets something wrong: one line with its cause, its place and its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from capotasto.errors import UserError


@contextmanager
def refused(*words: str, kind: type[UserError] = UserError) -> Iterator[pytest.ExceptionInfo[UserError]]:
    """The block ends in an error of that kind, whose message is one line and has all of these words."""
    with pytest.raises(kind) as caught:
        yield caught
    message = str(caught.value)
    missing = [word for word in words if word not in message]
    assert not missing, f"{missing} are not in: {message}"
    assert "\n" not in message, message
