"""The comparison: every way to make a base do a task, on one split, for one budget of time.

The package can be called itself, because it has the name of the public function: `capotasto.compare(…)` is
`compare.run.compare`, whatever was imported before.
"""

import sys
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    def __call__(self, *args: Any, **named: Any) -> Any:
        from capotasto.compare.run import compare

        return compare(*args, **named)


sys.modules[__name__].__class__ = _Package
