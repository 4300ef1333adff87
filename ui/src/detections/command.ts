import type { DetectedProcessOut } from "../api/generated/types.gen";
import { visible } from "../facts/visible";

/** A process as one would type it, whatever is known of it. */
export function commandOf(process: DetectedProcessOut): string {
  return visible(process.arguments.join(" ") || process.name || process.path) || "unknown";
}
