"""The Status objects with which an API server refuses, in the words of a real one (Kubernetes 1.36)."""

from typing import Any

from deadlight.demo.kubernetes.resources import Resource

EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


class StatusError(Exception):
    """A refusal: `body` is the Status object, `code` its HTTP status, `headers` what else the answer carries."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers or {}
        self.body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": metadata or {}}
        self.body |= {"status": "Failure", "message": message, "reason": reason}
        self.body |= ({"details": details} if details else {}) | {"code": code}


def unauthorized() -> StatusError:
    """An unknown bearer token."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, resource: Resource, namespace: str) -> StatusError:
    """A user without the permission; the anonymous user has none."""
    scope = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = (
        f'{resource.qualified} is forbidden: User "{user}" cannot {verb} resource "{resource.plural}" '
        f'in API group "{resource.group}" {scope}'
    )
    return StatusError(403, "Forbidden", message, details={"kind": resource.plural})


def not_found(resource: Resource, name: str) -> StatusError:
    """No such object."""
    details = {"name": name, "kind": resource.plural}
    return StatusError(404, "NotFound", f'{resource.qualified} "{name}" not found', details=details)


def no_such_path() -> StatusError:
    """A path that serves nothing."""
    return StatusError(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: Resource, name: str) -> StatusError:
    """Created twice."""
    details = {"name": name, "kind": resource.plural}
    return StatusError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', details=details)


def conflict(resource: Resource, name: str) -> StatusError:
    """Written from a version that is no longer the latest."""
    message = (
        f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return StatusError(409, "Conflict", message, details={"name": name, "kind": resource.plural})


def wrong_uid(resource: Resource, name: str, wanted: str, found: str) -> StatusError:
    """Deleted or written under a precondition that another object of the name does not meet."""
    message = (
        f'Operation cannot be fulfilled on {resource.kind} "{name}": the UID in the precondition ({wanted}) does not '
        f"match the UID in record ({found}). The object might have been deleted and then recreated"
    )
    return StatusError(409, "Conflict", message, details={"name": name, "kind": resource.kind})


def bad_request(message: str) -> StatusError:
    """Something that cannot be read."""
    return StatusError(400, "BadRequest", message)


def bad_continue(why: str) -> StatusError:
    """A continue token that is none."""
    return bad_request(f"invalid continue token: continue key is not valid: {why}")


def expired_continue(inconsistent: str) -> StatusError:
    """A continue token whose snapshot is gone; `inconsistent` continues at today's state."""
    return StatusError(410, "Expired", EXPIRED_CONTINUE, metadata={"continue": inconsistent})


def expired_watch(wanted: int, oldest: int) -> StatusError:
    """A watch from before the history; told inside a 200, as an ERROR event."""
    return StatusError(410, "Expired", f"too old resource version: {wanted} ({oldest})")


def too_large_version(wanted: int, current: int) -> StatusError:
    """A list at a version that has not happened yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return StatusError(504, "Timeout", message, details={"causes": [cause], "retryAfterSeconds": 1})


def no_streaming_lists() -> StatusError:
    """What servers without the WatchList feature say to `sendInitialEvents`."""
    message = (
        'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for '
        "watch unless the WatchList feature gate is enabled"
    )
    return StatusError(422, "Invalid", message, details={"kind": "ListOptions", "group": "meta.k8s.io"})


def invalid(resource: Resource, name: str, why: str) -> StatusError:
    """An object that breaks a rule of its kind."""
    message = f'{resource.kind} "{name}" is invalid: {why}'
    return StatusError(422, "Invalid", message, details={"name": name, "kind": resource.kind})


def too_many_requests(seconds: int) -> StatusError:
    """Priority and fairness: come back later."""
    message = "Too many requests, please try again later."
    details = {"retryAfterSeconds": seconds}
    headers = {"Retry-After": str(seconds)}
    return StatusError(429, "TooManyRequests", message, details=details, headers=headers)


def unsupported_patch(content_type: str) -> StatusError:
    """A kind of patch this stand-in does not apply."""
    message = f"the body of the request was in an unknown format - {content_type} is not application/merge-patch+json"
    return StatusError(415, "UnsupportedMediaType", message)
