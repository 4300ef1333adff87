import type { DetectedProcessOut } from "../api/generated/types.gen";

/** A process as one would type it, whatever is known of it. */
export function commandOf(process: DetectedProcessOut): string {
  return process.arguments.join(" ") || process.name || process.path || "unknown";
}
