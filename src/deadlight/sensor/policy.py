"""What to look for and to stop, as the service said last: kept on disk, so that a sensor starts with it."""

import logging
from pathlib import Path

from deadlight.model.wire import InvalidMessageError, SensorPolicy, decode
from deadlight.sensor.replacing import replace_file

MAX_POLICY_BYTES = 4 * 1024 * 1024
"""As much as a sensor of 32 MiB can take in: some thousand rules as people write them."""

FILE = "policy.json"
NO_POLICY = SensorPolicy(version="")
"""Built-in rules, nothing blocked."""

logger = logging.getLogger(__name__)


class Policies:
    """The policy in force; without a directory it does not outlive the process."""

    def __init__(self, state: Path | None) -> None:
        """Begin with the policy that was kept, if it can be read."""
        self._path = state / FILE if state else None
        self.problem = ""
        """Why the next start may not have this policy; empty where it will."""
        self.current = self._read()

    def take(self, body: bytes) -> None:
        """Put into force what the service answered, and keep it.

        Raises:
            InvalidMessageError: it is no policy; the one before stays.
        """
        self.current = decode(body, SensorPolicy)
        self.problem = ""
        if self._path:
            try:
                replace_file(self._path, body, lasting=True)
            except OSError as error:
                self._tell(f"cannot keep the policy in {self._path}: {error.strerror}")

    def _read(self) -> SensorPolicy:
        if self._path is None:
            return NO_POLICY
        try:
            with self._path.open("rb") as file:
                return decode(file.read(MAX_POLICY_BYTES + 1), SensorPolicy)
        except FileNotFoundError:
            return NO_POLICY
        except (OSError, InvalidMessageError) as error:
            self._tell(f"cannot read the policy in {self._path}: {error}; without one until the service answers")
            return NO_POLICY

    def _tell(self, problem: str) -> None:
        logger.warning("%s", problem)
        self.problem = problem
