import { Label, LabelGroup, type LabelProps } from "@patternfly/react-core";
import BugIcon from "@patternfly/react-icons/dist/esm/icons/bug-icon";
import DatabaseIcon from "@patternfly/react-icons/dist/esm/icons/database-icon";
import SkullIcon from "@patternfly/react-icons/dist/esm/icons/skull-icon";
import UserSecretIcon from "@patternfly/react-icons/dist/esm/icons/user-secret-icon";
import type { ReactNode } from "react";
import type { Risk } from "../api/generated/types.gen";
import { RISK_NAMES } from "./risks";

const LOOKS: Record<Risk, { color: LabelProps["color"]; icon: ReactNode }> = {
  malicious: { color: "red", icon: <SkullIcon /> },
  integrity_violation: { color: "red", icon: <UserSecretIcon /> },
  critical_applicable_cves: { color: "orangered", icon: <BugIcon /> },
  untrusted_registry: { color: "yellow", icon: <DatabaseIcon /> },
};

/** The badges of an image, worst first as the service orders them. */
export function RiskLabels({ risks }: { risks: readonly Risk[] }) {
  if (risks.length === 0) {
    return <span className="dl-subtle">None known</span>;
  }
  return (
    <LabelGroup numLabels={risks.length} aria-label="Risks">
      {risks.map((risk) => (
        <Label key={risk} isCompact color={LOOKS[risk].color} icon={LOOKS[risk].icon}>
          {RISK_NAMES[risk]}
        </Label>
      ))}
    </LabelGroup>
  );
}
