"""`capo methods`: what a user may choose by name."""

import inspect
import sys
from typing import Any

from capotasto.cli.options import Json
from capotasto.cli.terminal import out, print_json, table

EXAMPLES = ("capo methods",)


def command(json: Json = False) -> None:
    """Methods are for --method, starts for --init; metrics are measured wherever they make sense."""
    found = _found()
    if json:
        print_json(found)
        return
    for title, entries in found.items():
        made = table("Name", "What it is", title=title.capitalize())
        for name, text in entries.items():
            made.add_row(name, text)
        out.print(made)


def _found() -> dict[str, dict[str, str]]:
    """Title → name → first sentence of its documentation."""
    from capotasto.evaluate.metrics import METRICS
    from capotasto.methods import METHODS
    from capotasto.methods.initial import INITS

    return {
        "methods": {name: _sentence(_module(METHODS[name])) for name in METHODS},
        "starts": {name: _sentence(INITS[name]) for name in INITS},
        "metrics": {name: _sentence(_module(METRICS[name])) for name in METRICS},
    }


def _module(entry: Any) -> Any:
    return sys.modules[entry.__module__]


def _sentence(entry: Any) -> str:
    return (inspect.getdoc(entry) or "").split("\n")[0]
