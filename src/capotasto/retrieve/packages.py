"""The packages that retrieval needs and the core does not."""

from importlib import import_module
from typing import Any

from capotasto.errors import SettingError


def imported(package: str, what: str) -> Any:
    """The module of a package. Errors: it is not installed. what: needs it"""
    try:
        return import_module(package)
    except ImportError:
        raise SettingError(f"{what} needs the package {package}: pip install 'capotasto[retrieve]'") from None
