/** Where the pages about threats are. */
export const DETECTIONS_PATH = "/runtime/detections";
export const RULES_PATH = "/runtime/detections/rules";
export const EXCEPTIONS_PATH = "/runtime/detections/exceptions";
export const BLOCKING_PATH = "/runtime/detections/blocking";

/** The page of a threat rule. */
export function rulePath(id: string): string {
  return `${RULES_PATH}/${encodeURIComponent(id)}`;
}
