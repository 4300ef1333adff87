"""Files in which a package describes itself to package managers and to whoever lists what is installed."""

import re

_DESCRIPTION = re.compile(
    r".*(?:\.(?:dist|egg)-info(?:/.*)?|/EGG-INFO/.*|/package\.json|/specifications/(?:default/)?[^/]+\.gemspec)",
    re.DOTALL,
)


def describes_package(path: str) -> bool:
    """Whether a file says what a package is, instead of being what it does.

    `importlib.metadata.entry_points()` reads a file of every distribution, RubyGems a specification of every gem and
    bundlers the `package.json` of whatever there is: that one was opened does not show that its package is used. Who
    loads a package opens its code as well.
    """
    return _DESCRIPTION.fullmatch(path) is not None
