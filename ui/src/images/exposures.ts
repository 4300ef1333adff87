import type { LabelProps } from "@patternfly/react-core";
import type { ExposureCategory, ExposureRow, ScannerState, ScannerStatusOut } from "../api/generated/types.gen";

/** The categories of exposures in the order they are shown, by their documented names. */
export const CATEGORIES: readonly { key: ExposureCategory; name: string }[] = [
  { key: "secrets", name: "Secrets" },
  { key: "applications", name: "Applications" },
  { key: "services", name: "Services" },
  { key: "iac", name: "IaC" },
];

export function categoryName(category: ExposureCategory): string {
  return CATEGORIES.find(({ key }) => key === category)?.name ?? category;
}

const STATES: Readonly<Record<ScannerState, { name: string; status: LabelProps["status"] }>> = {
  DONE: { name: "Scanned", status: "success" },
  SCANNING: { name: "Scanning", status: "info" },
  FAILED: { name: "Failed", status: "danger" },
  NOT_SUPPORTED: { name: "Not supported", status: "warning" },
  NOT_SCANNED: { name: "Not scanned", status: undefined },
};

/** What is said of a category: what was found where it has been scanned for, else how far it is. */
export function describeCategory(
  part: ScannerStatusOut,
  found: number,
): { name: string; status: LabelProps["status"]; more: string } {
  if (part.status === "DONE") {
    return {
      name: found === 0 ? "None found" : `${found} found`,
      status: found === 0 ? "success" : "warning",
      more: "",
    };
  }
  return { ...STATES[part.status], more: part.reason };
}

/** How many of the rows are of each category. */
export function countByCategory(rows: readonly ExposureRow[]): ReadonlyMap<ExposureCategory, number> {
  const counts = new Map<ExposureCategory, number>();
  for (const { category } of rows) {
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return counts;
}

/** Where an exposure is: a place in a file, or in the image's configuration. */
export function placeOf(row: ExposureRow): string {
  return row.path ? [row.path, row.location].filter(Boolean).join(", ") : row.location;
}

/** Where a weakness is explained; nothing for what is no number of the Common Weakness Enumeration. */
export function cweLink(cwe: string): string | undefined {
  const number = /^CWE-(\d{1,5})$/.exec(cwe)?.[1];
  return number && `https://cwe.mitre.org/data/definitions/${number}.html`;
}
