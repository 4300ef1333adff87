import type { ViolationType } from "../api/generated/types.gen";

/** What to do about each kind of violation, in the order to do it. */
export const RECOMMENDATIONS: Record<ViolationType, readonly string[]> = {
  "Digest Mismatch": [
    "Treat this as a security incident until it is explained: a tag that must not move names another image.",
    "Trace the change: ask the Build Owner what was pushed under this tag, and Deployed By where the running image came from.",
    "Isolate the workload, with a network policy or by scaling it down, while that is open.",
    "Force a redeployment from the registry once its image is known to be the right one.",
  ],
  "Missing Source": [
    "Check the registry's retention and clean-up rules: they may have removed an image that is still in use.",
    "Ask Deployed By whether the image was loaded onto the node past the registry, by hand or by a tool nobody approved.",
    "If it was removed by mistake, restore it in the registry, from its trash can where it has one, or push it again.",
    "If nobody authorised it, terminate the workload.",
  ],
  "Post-Deployment Tag Update": [
    "Check that the push that moved the tag came from your CI and was meant.",
    "For now: restart the workload, so that it runs what the tag names.",
    "For good: deploy immutable tags or digests, so that what runs is what was released.",
  ],
};
