"""The name `capotasto` among lm-eval's models.

Newer versions of lm-eval find it by the entry point `lm_eval.models`; in older ones `register` must be called first.
"""

from functools import cache
from typing import Any

from capotasto.errors import SettingError
from capotasto.lm_eval.model import Model

NAME = "capotasto"


@cache
def lm_class() -> Any:
    """The class that lm-eval makes its model from. Errors: lm-eval is not installed."""
    try:
        from lm_eval.api.model import TemplateLM
    except ImportError as error:
        raise SettingError(f"lm-eval cannot be used here ({error}); pip install 'capotasto[lm-eval]'") from error

    class CapotastoLM(Model, TemplateLM):
        """Splits contexts and continuations as all of lm-eval's models do, and has `Model` answer."""

    return CapotastoLM


def register() -> None:
    """Make the name known to this process. Errors: lm-eval is not installed."""
    made = lm_class()
    import lm_eval.models  # noqa: F401  its own names are only registered where none is yet
    from lm_eval.api.registry import MODEL_REGISTRY, register_model

    if NAME not in MODEL_REGISTRY:
        register_model(NAME)(made)


def __getattr__(name: str) -> Any:
    if name != "CapotastoLM":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return lm_class()
