import type { Risk, WindowRisk } from "../api/generated/types.gen";

/** The badges' texts, as documented. */
export const RISK_NAMES: Record<Risk, string> = {
  malicious: "Malicious Packages",
  integrity_violation: "Integrity Violation",
  critical_applicable_cves: "Applicable + Critical CVEs",
  untrusted_registry: "Untrusted Registry",
};

/** What exposure windows are of. */
export const WINDOW_RISK_NAMES: Record<WindowRisk, string> = { ...RISK_NAMES, threat: "Threat Detected" };

export const RISKS: readonly Risk[] = [
  "malicious",
  "integrity_violation",
  "critical_applicable_cves",
  "untrusted_registry",
];

export const WINDOW_RISKS: readonly WindowRisk[] = [...RISKS, "threat"];
