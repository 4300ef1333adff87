import type { LiveWorkload } from "../api/generated/types.gen";

/** What sort of workload it is, and for which processors its images are. */
export function describeKind({ kind, architectures }: Pick<LiveWorkload, "kind" | "architectures">): string {
  return [kind, architectures.join(", ")].filter(Boolean).join(" · ");
}

/** What vulnerabilities and risks of packages are said of. */
export function describeSource(row: Pick<LiveWorkload, "processes_count" | "images_count" | "severities">): string {
  if (row.processes_count > 0) {
    return `used by ${row.processes_count} ${row.processes_count === 1 ? "process" : "processes"}`;
  }
  if (row.severities === null) {
    return "";
  }
  return row.images_count === 1 ? "in its image" : `in its ${row.images_count} images`;
}
