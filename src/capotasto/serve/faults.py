"""Refusals as clients hear them: a status and OpenAI's error envelope
(https://platform.openai.com/docs/guides/error-codes)."""

from typing import Any

from capotasto.errors import UserError
from capotasto.serve.asks import Busy

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class RefusedError(UserError):
    """A request that is not carried out.

    status:      of HTTP
    code:        a word for programs
    param:       the field of the request that is at fault
    retry_after: seconds until it may be tried again
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ):
        super().__init__(message)
        self.status, self.code, self.param, self.retry_after = status, code, param, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP wants beside the status."""
        found = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return {**found, "WWW-Authenticate": "Bearer"} if self.status == 401 else found

    def as_dict(self) -> dict[str, Any]:
        """The envelope. Characters that cannot be sent (half a surrogate pair) are replaced."""
        text = " ".join(str(self).split()).encode("utf-8", "replace").decode()
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": text, "type": kind, "param": self.param, "code": self.code}}


def refusal(error: Exception) -> RefusedError:
    """Any error as a refusal. What is no `UserError` says nothing about our insides."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, Busy):
        return RefusedError(str(error), 503, "busy", retry_after=1)
    if isinstance(error, UserError):
        return RefusedError(str(error))
    return RefusedError("an unexpected fault of the server; its log says more", 500, "internal_error")


def unknown_model(name: str, hint: str) -> RefusedError:
    """The same words whether there is no such adapter or it is another tenant's."""
    return RefusedError(f"no model {name!r}; {hint}", 404, "model_not_found", "model")
