"""Which team a window belongs to. The one place that decides it.

A team is named by `deadlight.io/team`, an annotation or label of the workload or of its namespace; the workload's comes
first. It is written into the window when that opens, and stays: figures by team do not change with who owns what today.
"""

_KEY = "deadlight.io/team"
_LONGEST = 128


def _named_by(table: str) -> str:
    return f"nullif({table}.annotations ->> '{_KEY}', ''), nullif({table}.labels ->> '{_KEY}', '')"


TEAM = f"""
    left(coalesce({_named_by("workload")}, (
        SELECT coalesce({_named_by("namespace")}) FROM namespace
        WHERE namespace.cluster_id = workload.cluster_id AND namespace.name = workload.namespace
          AND namespace.removed_at IS NULL LIMIT 1)), {_LONGEST})
"""  # noqa: S608 - constants
"""SQL over a row `workload`: the team's name, null where nobody says."""
