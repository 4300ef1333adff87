"""What is wrong with a threat rule."""


class RuleError(ValueError):
    """A rule that cannot be used. The text says where in it, what is wrong, and what would be right."""
