import type { Facet } from "../api/generated/types.gen";
import { RISK_NAMES } from "../facts/risks";

/** A filter of Live Assessment; the API and the addresses of its pages know it by the same name. */
export type FilterKey = Facet;

export interface Filter {
  key: FilterKey;
  title: string;
  /** Any text may be entered, not only what is offered: there may be more values than can be shown. */
  takesText?: boolean;
  /** How a value is shown where that is not the value itself. */
  nameOf?: (value: string) => string;
}

/** Filters by the category they are chosen from. */
export const CATEGORIES: readonly { title: string; filters: readonly Filter[] }[] = [
  {
    title: "Security",
    filters: [
      { key: "risk", title: "Risk", nameOf: (value) => RISK_NAMES[value as keyof typeof RISK_NAMES] ?? value },
      { key: "severity", title: "Severity" },
      { key: "detection", title: "Open detections" },
      { key: "cve", title: "CVE ID", takesText: true },
      { key: "violation", title: "Violation type" },
      { key: "integrity_status", title: "Integrity status" },
    ],
  },
  {
    title: "Registry",
    filters: [
      { key: "image", title: "Image name", takesText: true },
      { key: "tag", title: "Image tag", takesText: true },
      { key: "digest", title: "Image digest", takesText: true },
      { key: "repository", title: "Repository", takesText: true },
      { key: "architecture", title: "Architecture" },
      { key: "package", title: "Package name", takesText: true },
      { key: "package_version", title: "Package version", takesText: true },
      { key: "component", title: "Component", takesText: true },
    ],
  },
  {
    title: "Files",
    filters: [
      { key: "process", title: "Process name", takesText: true },
      { key: "process_hash", title: "Process hash", takesText: true },
      { key: "path", title: "Process path", takesText: true },
    ],
  },
  {
    title: "Infrastructure",
    filters: [
      { key: "workload", title: "Workload name", takesText: true },
      { key: "workload_type", title: "Workload type" },
      { key: "node", title: "Node name", takesText: true },
      { key: "cluster", title: "Cluster", takesText: true },
      { key: "namespace", title: "Namespace", takesText: true },
    ],
  },
];

export const FILTERS: readonly Filter[] = CATEGORIES.flatMap(({ filters }) => filters);

/** A filter by its name. */
export function filterOf(key: FilterKey): Filter {
  const found = FILTERS.find((filter) => filter.key === key);
  if (found === undefined) {
    throw new Error(`no filter ${key}`);
  }
  return found;
}
