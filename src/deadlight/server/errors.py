"""Errors that carry the HTTP status with which the API answers them, as `{"code": ..., "message": ...}`."""

from pydantic import BaseModel


class Refusal(BaseModel):
    """The body of every answer that is an error."""

    code: str
    """Stable, for programs."""
    message: str
    """What to do, for people."""


class ServiceError(Exception):
    """A request that cannot be fulfilled. `message` tells the caller what to do; `code` is stable for programs."""

    status = 500
    code = "internal_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequestError(ServiceError):
    """The request itself is wrong."""

    status = 400
    code = "bad_request"


class UnauthorizedError(ServiceError):
    """Nobody is signed in, or the token is unknown, expired or revoked."""

    status = 401
    code = "unauthorized"


class ForbiddenError(ServiceError):
    """Signed in, but not allowed."""

    status = 403
    code = "forbidden"


class PasswordChangeRequiredError(ForbiddenError):
    """The one-time password still has to be replaced."""

    code = "password_change_required"


class NotFoundError(ServiceError):
    """No such thing."""

    status = 404
    code = "not_found"


class ConflictError(ServiceError):
    """It clashes with what is there."""

    status = 409
    code = "conflict"


class PayloadTooLargeError(ServiceError):
    """A body over the stated limit."""

    status = 413
    code = "payload_too_large"


class TooManyRequestsError(ServiceError):
    """Slow down."""

    status = 429
    code = "too_many_requests"

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        """`wait_seconds` is when to ask again, where that is known."""
        super().__init__(message)
        self.wait_seconds = wait_seconds


class UnavailableError(ServiceError):
    """Not now: something this service needs does not answer."""

    status = 503
    code = "unavailable"


CODES = {
    error.status: error.code
    for error in (
        BadRequestError,
        UnauthorizedError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        PayloadTooLargeError,
        TooManyRequestsError,
        UnavailableError,
    )
}
"""The code that goes with a status where the web framework, not this service, refuses a request."""
