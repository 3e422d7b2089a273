"""/health and /ready."""

from typing import Literal

from capotasto.serve.schemas.common import Answer


class Health(Answer):
    """It runs, or it takes requests."""

    status: Literal["ok"] = "ok"
