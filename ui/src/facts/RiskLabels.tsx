import { Label, LabelGroup, type LabelProps } from "@patternfly/react-core";
import BellIcon from "@patternfly/react-icons/dist/esm/icons/bell-icon";
import BugIcon from "@patternfly/react-icons/dist/esm/icons/bug-icon";
import DatabaseIcon from "@patternfly/react-icons/dist/esm/icons/database-icon";
import SkullIcon from "@patternfly/react-icons/dist/esm/icons/skull-icon";
import UserSecretIcon from "@patternfly/react-icons/dist/esm/icons/user-secret-icon";
import type { ReactNode } from "react";
import type { WindowRisk } from "../api/generated/types.gen";
import { WINDOW_RISK_NAMES } from "./risks";

const LOOKS: Record<WindowRisk, { color: LabelProps["color"]; icon: ReactNode }> = {
  malicious: { color: "red", icon: <SkullIcon /> },
  integrity_violation: { color: "red", icon: <UserSecretIcon /> },
  critical_applicable_cves: { color: "orangered", icon: <BugIcon /> },
  untrusted_registry: { color: "yellow", icon: <DatabaseIcon /> },
  threat: { color: "red", icon: <BellIcon /> },
};

/** The badges of an image or window, worst first as the service orders them. */
export function RiskLabels({ risks }: { risks: readonly WindowRisk[] }) {
  if (risks.length === 0) {
    return <span className="dl-subtle">None known</span>;
  }
  return (
    <LabelGroup numLabels={risks.length} aria-label="Risks">
      {risks.map((risk) => (
        <Label key={risk} isCompact color={LOOKS[risk].color} icon={LOOKS[risk].icon}>
          {WINDOW_RISK_NAMES[risk]}
        </Label>
      ))}
    </LabelGroup>
  );
}
