"""Everything that can go wrong, as one line on stderr and an exit code."""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.text import Text

from capotasto.cli.terminal import err, print_json
from capotasto.errors import UserError


class InterruptedByUserError(UserError):
    """Ctrl-C, with what can be done next."""

    exit_code = 130  # 128 + SIGINT, as shells count it


@contextmanager
def interruptible(remedy: str = "") -> Iterator[None]:
    """Turn Ctrl-C into one line that says what can be done next."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedByUserError(f"interrupted; {remedy}" if remedy else "interrupted") from None


def explain(fault: Exception, as_json: bool) -> int:
    """Print the fault; returns the exit code."""
    text, code = _line(fault)
    err.print(Text.assemble(("capo: ", "bold red"), text), soft_wrap=True)
    if as_json:
        print_json({"error": text})
    return code


def _line(fault: Exception) -> tuple[str, int]:
    if isinstance(fault, UserError):
        return " ".join(str(fault).splitlines()), fault.exit_code
    if hasattr(fault, "format_message"):  # the parser's own errors
        return _usage(fault), 2
    if os.environ.get("CAPO_DEBUG"):
        traceback.print_exception(fault)
    first = (str(fault).strip() or "no reason given").splitlines()[0]
    return f"unexpected {type(fault).__name__}: {first}; set CAPO_DEBUG=1 and run it again to see where", 1


def _usage(fault: Any) -> str:
    context = getattr(fault, "ctx", None)
    path = context.command_path if context is not None else "capo"
    return f"{fault.format_message().rstrip('.')}; see `{path} --help`"


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as one line on stderr; those of other libraries are about their insides and are left out."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]) or os.environ.get("CAPO_DEBUG"):
        err.print(Text.assemble(("capo: warning: ", "yellow"), str(message)), soft_wrap=True)
