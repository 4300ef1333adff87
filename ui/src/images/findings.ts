import type { Applicability, FindingRow } from "../api/generated/types.gen";

/** What findings are narrowed by: the values of each filter that are chosen, none for all. */
export type Chosen = (name: FindingFilter) => readonly string[];

export const FINDING_FILTERS = ["severity", "applicability", "exploited", "fix", "validated"] as const;
export type FindingFilter = (typeof FINDING_FILTERS)[number];

/** The name of an address parameter: the finding that is open beside the list. */
export const OPEN = "cve";

/** Whether a finding is left by the filters: any value of each filter that has some. */
export function isLeft(row: FindingRow, chosen: Chosen): boolean {
  const values: Record<FindingFilter, string> = {
    severity: row.severity,
    applicability: row.applicability,
    exploited: row.known_exploited ? "yes" : "no",
    fix: row.fix_version ? "yes" : "no",
    validated: row.grade === null ? "no" : "yes",
  };
  return FINDING_FILTERS.every((name) => chosen(name).length === 0 || chosen(name).includes(values[name]));
}

/** What the findings of an image add up to; the image's own counts are of distinct vulnerabilities. */
export function summariseFindings(rows: readonly FindingRow[]): string {
  const vulnerabilities = new Set(rows.map((row) => row.vulnerability)).size;
  const packages = new Set(rows.map((row) => row.package_id)).size;
  return `${count(rows.length, "finding")}: ${count(vulnerabilities, "distinct vulnerability")} in ${count(packages, "package")}. The counts above are of distinct vulnerabilities.`;
}

function count(number: number, noun: string): string {
  const plural = noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${number} ${number === 1 ? noun : plural}`;
}

/** Where to read what a public source says about an advisory; undefined where it is nowhere else. */
export function advisoryLink(id: string): string | undefined {
  if (id.startsWith("DEMO-")) {
    return undefined;
  }
  if (id.startsWith("CVE-")) {
    return `https://nvd.nist.gov/vuln/detail/${encodeURIComponent(id)}`;
  }
  if (id.startsWith("GHSA-")) {
    return `https://github.com/advisories/${encodeURIComponent(id)}`;
  }
  return `https://osv.dev/vulnerability/${encodeURIComponent(id)}`;
}

/** Where contextual analysis found something: the path, the place in it and the call. */
export interface CodeEvidence {
  path: string;
  location: string;
  call: string;
  rule: string;
}

/** An item of contextual analysis' evidence; what it does not say is empty. */
export function readCodeEvidence(item: Record<string, unknown>): CodeEvidence {
  const text = (name: string) => (typeof item[name] === "string" ? item[name] : "");
  return {
    path: text("path"),
    location: typeof item.line === "number" && item.line > 0 ? `line ${item.line}` : "",
    call: text("call"),
    rule: text("rule_id"),
  };
}

/** Why there is nothing to say on whether a vulnerability is applicable. */
export function unexplained(applicability: Applicability): string {
  return applicability === "not_covered"
    ? "No rule of contextual analysis covers this vulnerability in this package."
    : "";
}
