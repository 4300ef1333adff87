import { describe, expect, it } from "vitest";
import type { AttributionOut, ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { issueText, issueTitle } from "./issueText";

function named(value: string, source: string): AttributionOut {
  const nothing = { link: "", revision: "", detail: "", at: null, others: [] };
  return { value, source, confidence: "stated", party: "person", ...nothing };
}

const IMAGE: ImageTagDetail = {
  id: 7,
  registry: "registry.example",
  repository: "shop/web",
  tag: "1.0.0",
  digest: "sha256:aaaa",
  pinned_digest: "",
  platform: "linux/amd64",
  demonstration: false,
  providers: ["EKS"],
  runtime_status: "running",
  first_seen_at: "2026-11-01T12:00:00Z",
  risks: ["integrity_violation"],
  integrity_status: "Invalid Image Integrity",
  violation_type: "Digest Mismatch",
  clusters_count: 1,
  workloads_count: 1,
  build_owner: named("Ada <ada@example.com>", "image label"),
  scan_status: "done",
  scan_error: "",
  scan_problems: [],
  scanned_at: "2026-11-01T12:00:00Z",
  severities: { Low: 3, Critical: 1 },
  distribution: "Debian:12",
  packages_count: 5,
  critical_applicable: 0,
  validated_vulnerabilities: 0,
  verdict: {
    status: "Invalid Image Integrity",
    violation_type: "Digest Mismatch",
    violation_severity: "Critical",
    reason: "the registry has another image",
    expected_digest: "sha256:bbbb",
    evidence: { registry_type: "artifactory" },
    first_detected_at: "2026-11-01T12:00:05Z",
    judged_at: "2026-11-01T12:00:05Z",
    stale_reason: "",
    stale_since: null,
    problem: "",
  },
};

const WORKLOAD: WorkloadRow = {
  id: 1,
  cluster_id: "c",
  cluster: "production",
  namespace: "shop",
  name: "web",
  kind: "Deployment",
  status: "running",
  nodes: ["node-1"],
  demonstration: false,
  deployed_by: named("grace@example.com", "annotation"),
};

describe("the text of an issue", () => {
  it("names the violation, both digests, the builder and each deployer with their workload", () => {
    const text = issueText(IMAGE, [WORKLOAD, { ...WORKLOAD, name: "batch", deployed_by: null }], "https://d/7");
    expect(text.split("\n")).toEqual([
      "## Digest Mismatch (Critical): registry.example/shop/web:1.0.0",
      "",
      "- Image: registry.example/shop/web:1.0.0 (linux/amd64)",
      "- Integrity status: Invalid Image Integrity",
      "- Violation: Digest Mismatch (Critical)",
      "- Reason: the registry has another image",
      "- Runtime Digest (Actual): sha256:aaaa",
      "- Artifactory Digest (Expected): sha256:bbbb",
      "- First detected: 2026-11-01T12:00:05Z",
      "- Risks: Integrity Violation",
      "- Vulnerabilities: 1 Critical, 3 Low",
      "- Build Owner: Ada <ada@example.com> (image label)",
      "- Deployed By: grace@example.com (annotation): Deployment shop/web on production",
      "- Deployed By: Unknown: Deployment shop/batch on production",
      "- Details: https://d/7",
      "",
    ]);
  });

  it("says what is not known instead of leaving it out", () => {
    const verdict = { ...IMAGE.verdict, status: null, violation_type: null, violation_severity: null };
    const unknown = { ...IMAGE, verdict, build_owner: null, severities: null };
    expect(issueTitle(unknown)).toBe("Image: registry.example/shop/web:1.0.0");
    const text = issueText(unknown, [], "");
    expect(text).toContain("- Integrity status: Not compared yet");
    expect(text).toContain("- Vulnerabilities: Not scanned");
    expect(text).toContain("- Build Owner: Unknown");
    expect(text).not.toContain("- Violation");
    expect(text).not.toContain("- Details");
  });
});
