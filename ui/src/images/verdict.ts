import type { VerdictOut, ViolationType } from "../api/generated/types.gen";

/** What a verdict means to the reader, in a sentence or two. */
export function explainVerdict(verdict: VerdictOut): string {
  switch (verdict.status) {
    case null:
      return "Whether the registry has this image under this name is not known yet.";
    case "No Issues":
      return "What runs is what the registry has under this name.";
    case "Untrusted Registry":
      return "Nobody here trusts the registry this image comes from, so it is not compared with it. That is a risk of its own, not a violation.";
    case "Invalid Image Source":
    case "Invalid Image Integrity":
      return verdict.violation_type ? VIOLATIONS[verdict.violation_type] : "";
  }
}

const VIOLATIONS: Record<ViolationType, string> = {
  "Missing Source":
    "The registry does not have what this image was deployed from: it was removed there, or it came onto the node another way.",
  "Digest Mismatch":
    "The registry has another image under this tag, and this tag is one that must not move. What runs may have been tampered with.",
  "Post-Deployment Tag Update":
    "The tag was moved to another image after this one was deployed. What runs is older than what the tag now names.",
};

/** What was kept when a violation was detected, as far as this page shows it. */
export interface Evidence {
  reference: string;
  registryType: string;
  mutability: string;
  deployedAt: string;
  tagSeenChangedAt: string;
}

/** The parts of a verdict's evidence; empty texts for what is not there. */
export function readEvidence(evidence: VerdictOut["evidence"]): Evidence {
  const text = (name: string) => (typeof evidence[name] === "string" ? evidence[name] : "");
  return {
    reference: text("reference"),
    registryType: text("registry_type"),
    mutability: text("mutability_detail"),
    deployedAt: text("deployed_at"),
    tagSeenChangedAt: text("tag_seen_changed_at"),
  };
}

export const RUNTIME_DIGEST = "Runtime Digest (Actual)";

/** The label of the registry's digest names the type of registry that is in use where it is a known one. */
export function expectedDigestLabel(registryType: string): string {
  return `${registryType === "artifactory" ? "Artifactory" : "Registry"} Digest (Expected)`;
}
