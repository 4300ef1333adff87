"""What can go wrong between an agent and the service, split by what the caller should do about it."""

from enum import IntEnum


class ClientError(Exception):
    """Base of this room's errors."""


class InsecureServerError(ClientError, ValueError):
    """The service's address would send tokens in clear text, or is no address at all."""


class RejectedError(ClientError):
    """The service read a message and refuses it as it is; sending the same again cannot help.

    `status` is the HTTP status (400, 413 or 422).
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the service refused the message ({status}): {message}")
        self.status = status


class TokenUnavailableError(ClientError):
    """No access token for now (service or network down); asking later may help."""


class IdentityRefusedError(ClientError):
    """The service does not accept this agent's identity; only a person can change that.

    `advice` says what that person should do.
    """

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class ExitCode(IntEnum):
    """How the credentials process ends; argparse itself ends with 2."""

    OK = 0
    REFUSED = 3
    """The service refuses the identity or the registration token; a person must act."""
    UNAVAILABLE = 4
    """The service cannot be asked now; trying again may help."""
    UNUSABLE = 5
    """The state directory, the address or an option cannot be used; a person must act."""


class CredentialsError(ClientError):
    """The credentials process has no token to give, for a reason that `advice` helps with."""

    def __init__(self, code: ExitCode, message: str, advice: str) -> None:
        super().__init__(message)
        self.code = code
        self.advice = advice
