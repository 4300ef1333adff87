"""What to do about each kind of violation, in the order to do it. Pure.

The steps are those that the documented image integrity of JFrog Runtime recommends for each type, in our own words.
"""

from deadlight.model.integrity import ViolationType

_STEPS: dict[ViolationType, tuple[str, ...]] = {
    ViolationType.DIGEST_MISMATCH: (
        "Treat it as a security incident until it is explained: a tag that must not move names another image.",
        "Trace it: ask the Build Owner what was pushed under this tag, Deployed By where the running image came from.",
        "Isolate the workload while that is open, with a network policy or by scaling it down.",
        "Force a redeploy from the registry, once its image is known to be the right one.",
    ),
    ViolationType.MISSING_SOURCE: (
        "Check the registry's retention and clean-up policies: they may have removed an image that is still in use.",
        "Ask Deployed By whether it was side-loaded onto the node past the registry (Shadow IT).",
        "If it was removed by mistake, restore it from the registry's Trash Can where it has one, or push it again.",
        "If nobody authorised it, terminate the workload.",
    ),
    ViolationType.POST_DEPLOYMENT_TAG_UPDATE: (
        "Check that the push that moved the tag came from your CI and was meant.",
        "Short term: restart the workload, so that it runs what the tag names now.",
        "Long term: deploy immutable tags or digests, so that what runs is what was released.",
    ),
}


def recommended_steps(violation: ViolationType) -> tuple[str, ...]:
    """Whole sentences, the most urgent first."""
    return _STEPS[violation]
