"""What can go wrong in a controller. Each message says what was asked, what came back and what to do."""


class ControllerError(Exception):
    """Base of this room's errors."""


class ConfigurationError(ControllerError):
    """The way to a cluster or an option is not usable; only a person can change that."""


class UnreachableError(ControllerError):
    """The API server could not be reached or broke the connection."""


class SilentError(UnreachableError):
    """The API server kept a connection open and sent nothing for longer than it ever should."""


class MalformedAnswerError(ControllerError):
    """The API server's answer is not what its protocol promises."""


class ApiError(ControllerError):
    """The API server refused a request.

    `status` is the HTTP status (or the `code` of a watch's ERROR event), `reason` the machine-readable word of its
    Status object, `retry_after` the seconds it asks to wait.
    """

    def __init__(self, status: int, reason: str, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
