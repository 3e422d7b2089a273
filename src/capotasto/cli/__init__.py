"""The command `capo`: a thin skin over the Python API. Each command is one file that parses, calls and prints.

What a command found goes to stdout, as tables or with `--json` as one document; progress, warnings and errors go to
stderr. Exit codes: 0 fine, 1 an unexpected fault, 2 something the user can put right, 3 a training that had to stop,
4 an audit with fallen gates, 130 interrupted.
"""

import sys
import warnings
from collections.abc import Sequence

from capotasto.cli.commands import application
from capotasto.cli.faults import explain, show_warning


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `arguments`: what stands behind `capo`; None takes it from sys.argv."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with warnings.catch_warnings():
        warnings.showwarning = show_warning
        try:
            code = application()(given or ["--help"], prog_name="capo", standalone_mode=False)
        except Exception as fault:
            return explain(fault, as_json="--json" in given)
    return code or 0
