"""What a path of the Kubernetes API names."""

from dataclasses import dataclass

from deadlight.demo.kubernetes.resources import BY_PATH, Resource
from deadlight.demo.kubernetes.statuses import no_such_path


@dataclass(frozen=True, slots=True)
class Target:
    """A collection (no name), an object or its status."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    is_status: bool = False


def parse_path(path: str) -> Target:
    """Read `/api/v1/...` or `/apis/GROUP/v1/...`; raises StatusError (404)."""
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            group = ""
        case ["apis", group, "v1", *rest] if group:
            pass
        case _:
            raise no_such_path()
    match rest:
        case ["namespaces", namespace, plural, *name] if plural != "status":
            return _target(group, plural, namespace, name)
        case [plural, *name]:
            return _target(group, plural, "", name)
        case _:
            raise no_such_path()


def _target(group: str, plural: str, namespace: str, rest: list[str]) -> Target:
    resource = BY_PATH.get((group, plural))
    if resource is None or (namespace and not resource.namespaced):
        raise no_such_path()
    match rest:
        case []:
            return Target(resource, namespace)
        case [name] if namespace or not resource.namespaced:
            return Target(resource, namespace, name)
        case [name, "status"] if namespace or not resource.namespaced:
            return Target(resource, namespace, name, is_status=True)
        case _:
            raise no_such_path()
