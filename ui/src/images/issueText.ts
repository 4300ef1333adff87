import type { AttributionOut, ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { RISK_NAMES } from "../facts/risks";
import { countsBySeverity } from "../facts/severities";
import { imageName } from "./reference";
import { expectedDigestLabel, RUNTIME_DIGEST, readEvidence } from "./verdict";

/** What an issue or a message about an image is called. */
export function issueTitle(image: ImageTagDetail): string {
  const { violation_type: violation, violation_severity: severity, status } = image.verdict;
  const matter = violation ? `${violation} (${severity})` : (status ?? "Image");
  return `${matter}: ${imageName(image)}`;
}

/** Everything a person needs to follow up on an image, as Markdown for a tracking system or a message. */
export function issueText(image: ImageTagDetail, workloads: readonly WorkloadRow[], link: string): string {
  const { verdict } = image;
  const lines: [string, string][] = [
    ["Image", `${imageName(image)} (${image.platform})`],
    ["Integrity status", verdict.status ?? "Not compared yet"],
    ["Violation", verdict.violation_type ? `${verdict.violation_type} (${verdict.violation_severity})` : ""],
    ["Reason", verdict.reason],
    [RUNTIME_DIGEST, image.digest],
    [expectedDigestLabel(readEvidence(verdict.evidence).registryType), verdict.expected_digest],
    ["First detected", verdict.first_detected_at ?? ""],
    ["Risks", image.risks.map((risk) => RISK_NAMES[risk]).join(", ")],
    ["Vulnerabilities", vulnerabilities(image)],
    ["Build Owner", person(image.build_owner)],
    ...workloads.map((workload): [string, string] => [
      "Deployed By",
      `${person(workload.deployed_by)}: ${workload.kind} ${workload.namespace}/${workload.name} on ${workload.cluster}`,
    ]),
    ["Details", link],
  ];
  const facts = lines.filter(([, value]) => value).map(([name, value]) => `- ${name}: ${value}`);
  return [`## ${issueTitle(image)}`, "", ...facts, ""].join("\n");
}

function vulnerabilities(image: ImageTagDetail): string {
  if (image.severities === null) {
    return "Not scanned";
  }
  return countsBySeverity(image.severities)
    .map(([severity, count]) => `${count} ${severity}`)
    .join(", ");
}

function person(attribution: AttributionOut | null): string {
  return attribution ? `${attribution.value} (${attribution.source})` : "Unknown";
}
