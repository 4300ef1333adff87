"""Whether the environment has us go through proxies."""

from urllib.request import getproxies

_SCHEMES = frozenset({"http", "https"})


def are_set() -> bool:
    """Whether HTTP sessions have to look into the environment before each request (`trust_env`).

    That is done in two threads, which cost three times as much as a request itself, and gives requests the password
    that `.netrc` has for a host, which is refused beside a token of our own: no session does it for nothing.
    """
    return bool(getproxies().keys() & _SCHEMES)
