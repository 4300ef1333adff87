import type { Severity } from "../api/generated/types.gen";

/** Worst first. */
export const SEVERITIES: readonly Severity[] = ["Critical", "High", "Medium", "Low", "Unknown"];

const TOKENS: Record<Severity, string> = {
  Critical: "critical",
  High: "important",
  Medium: "moderate",
  Low: "minor",
  Unknown: "undefined",
};

/** PatternFly's colour of a severity, in either theme. */
export function severityColor(severity: Severity): string {
  return `var(--pf-t--global--icon--color--severity--${TOKENS[severity]}--default)`;
}

/** How many of each severity, worst first, without those there are none of. */
export function countsBySeverity(severities: Record<string, number>): [Severity, number][] {
  return SEVERITIES.map((severity): [Severity, number] => [severity, severities[severity] ?? 0]).filter(
    ([, count]) => count > 0,
  );
}
