"""Which images are trusted: by their registry and by the path of their repository in it. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase


def trusts_repository(repository: str, trusted: Sequence[str], untrusted: Sequence[str]) -> bool:
    """Whether a trusted registry's repository is trusted itself.

    `trusted` and `untrusted` are patterns of whole paths, in which `*` also stands for `/`. Without any in `trusted`
    all are; one in `untrusted` that matches has the last word.
    """
    if any(fnmatchcase(repository, pattern) for pattern in untrusted):
        return False
    return not trusted or any(fnmatchcase(repository, pattern) for pattern in trusted)
