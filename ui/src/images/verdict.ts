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

/** What was kept when a violation was detected, as far as this page shows it. Empty texts are not known. */
export interface Evidence {
  reference: string;
  mutability: string;
  deployedAt: string;
  /** When the tag came to be what the registry has now; older violations know only when that was seen. */
  tagUpdatedAt: string;
  lastSeenPresentAt: string;
  pushedBy: string;
  pushedAt: string;
  deletedBy: string;
  deletedAt: string;
  restorableFrom: string;
  origin: string;
}

/** The parts of a verdict's evidence; empty texts for what is not there. */
export function readEvidence(evidence: VerdictOut["evidence"]): Evidence {
  return {
    reference: textIn(evidence, "reference"),
    mutability: textIn(evidence, "mutability_detail"),
    deployedAt: textIn(evidence, "deployed_at"),
    tagUpdatedAt: textIn(evidence, "tag_updated_at") || textIn(evidence, "tag_seen_changed_at"),
    lastSeenPresentAt: textIn(evidence, "last_seen_present_at"),
    pushedBy: textIn(evidence, "pushed_by"),
    pushedAt: textIn(evidence, "pushed_at"),
    deletedBy: textIn(evidence, "deleted_by"),
    deletedAt: textIn(evidence, "deleted_at"),
    restorableFrom: textIn(evidence, "restorable_from"),
    origin: textIn(evidence, "origin"),
  };
}

/** How the image that runs differs from the one that was expected. */
export interface Differences {
  /** Layers that both have; undefined where layers were not compared. */
  commonLayers: number | undefined;
  onlyRunning: readonly LayerDifference[];
  onlyExpected: readonly LayerDifference[];
  config: readonly ConfigDifference[];
  /** Why the two could not be compared; empty where they were. */
  problem: string;
}

export interface LayerDifference {
  digest: string;
  size: number | undefined;
  createdBy: string;
}

export interface ConfigDifference {
  field: string;
  running: string;
  expected: string;
}

/** The differences in a verdict's evidence; null where nobody has looked for them. */
export function readDifferences(evidence: VerdictOut["evidence"]): Differences | null {
  const found = evidence.differences;
  if (!isRecord(found)) {
    return null;
  }
  const layers = isRecord(found.layers) ? found.layers : {};
  return {
    commonLayers: typeof layers.common === "number" ? layers.common : undefined,
    onlyRunning: recordsIn(layers, "only_running").map(layerDifference),
    onlyExpected: recordsIn(layers, "only_expected").map(layerDifference),
    config: recordsIn(found, "config").map((item) => ({
      field: textIn(item, "field"),
      running: textIn(item, "running"),
      expected: textIn(item, "expected"),
    })),
    problem: textIn(found, "problem"),
  };
}

function layerDifference(item: Record<string, unknown>): LayerDifference {
  return {
    digest: textIn(item, "digest"),
    size: typeof item.size === "number" ? item.size : undefined,
    createdBy: textIn(item, "created_by"),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordsIn(values: Record<string, unknown>, name: string): Record<string, unknown>[] {
  const found = values[name];
  return Array.isArray(found) ? found.filter(isRecord) : [];
}

function textIn(values: Record<string, unknown>, name: string): string {
  const found = values[name];
  return typeof found === "string" ? found : "";
}

export const RUNTIME_DIGEST = "Runtime Digest (Actual)";

/** When the tag was updated, seen from the deployment: "2 d 3 h after the deployment". */
export function sideOfDeployment(deployedAt: string, updatedAt: string, length: string): string {
  return `${length} ${new Date(updatedAt) < new Date(deployedAt) ? "before" : "after"} the deployment`;
}
