"""lm-eval's own command in this process, with our model known to it."""

import sys
from collections.abc import Sequence

from capotasto.lm_eval.registered import NAME, register

_WITHOUT_MODEL = ("ls", "validate")  # its commands that look at tasks only
_FILE = ("--config", "-C")  # a file of settings, which may name another model


def run(arguments: Sequence[str]) -> None:
    """Carry out what stands behind `lm-eval`; the model is ours unless another is named."""
    register()
    from lm_eval.__main__ import cli_evaluate

    before, sys.argv = sys.argv, ["lm-eval", *with_model(arguments)]  # where it looks for its arguments
    try:
        cli_evaluate()
    finally:
        sys.argv = before


def with_model(arguments: Sequence[str]) -> list[str]:
    """The arguments, with our model before any that they name themselves, which then counts."""
    if not arguments or arguments[0] in _WITHOUT_MODEL:
        return list(arguments)
    rest = list(arguments[1:] if arguments[0] == "run" else arguments)
    from_file = any(one.split("=")[0] in _FILE for one in rest)
    return ["run", *([] if from_file else ["--model", NAME]), *rest]
