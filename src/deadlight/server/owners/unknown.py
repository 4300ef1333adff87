"""What to connect where nobody is known: one text for the console, the API and the command line. Pure."""

from sqlalchemy import Row

from deadlight.server.owners.lookup import UNKNOWN as UNKNOWN_OWNER

__all__ = ["UNKNOWN_DEPLOYER", "UNKNOWN_OWNER", "explain_unknown_builder", "explain_unknown_pusher"]

UNKNOWN_DEPLOYER = (
    "The cluster does not say. Switch on admission reviews where the agent is installed (admission.enabled=true) or "
    "send its API server's audit log to the controller: the next deployment then has a name. Workloads can also say it "
    "themselves, with the annotation deadlight.io/deployed-by."
)

_LABEL = "label images with org.opencontainers.image.authors when they are built"


def explain_unknown_builder(row: Row[tuple[object, ...]]) -> str:
    """Why nobody knows who built an image, and what to do; `row` as in `ImageFacts`."""
    if row.artifact_problem:
        return f"The record of its build could not be read: {row.artifact_problem}"
    if row.registry_type is None:
        return (
            f"Nobody has added the registry {row.registry}. Add it under Administration > Registries, so that the "
            f"image's labels and the registry's records of builds can be read."
        )
    if row.scan_status != "done":
        return "The image has not been read yet: its labels are known once it is scanned."
    if row.artifact is None:
        return (
            f"Neither the image nor its manifest names anybody: {_LABEL}. Where {row.registry} is Artifactory, choose "
            f"that type under Administration > Registries: then its build-info answers."
        )
    missing = _missing_rights(row)
    return (
        f"{row.registry} has no build on record for it, and the image names nobody: publish build-info, or {_LABEL}."
        f"{missing}"
    )


def explain_unknown_pusher(row: Row[tuple[object, ...]]) -> str:
    """Why nobody knows who pushed an image, and what to do."""
    if row.artifact_problem:
        return f"The record of its push could not be read: {row.artifact_problem}"
    if row.artifact is None:
        return (
            "The distribution API does not tell. Choose the registry's type under Administration > Registries: "
            "Artifactory and Harbor have it on record, or have its webhook tell Deadlight of pushes."
        )
    return f"{row.registry} has no record of who pushed it, or our account may not see it.{_missing_rights(row)}"


def _missing_rights(row: Row[tuple[object, ...]]) -> str:
    """What the registry's adapter says of facts it could not get."""
    problems = (row.artifact or {}).get("problems", ())
    return "".join(f" {problem[:1].upper()}{problem[1:]}." for problem in problems)
