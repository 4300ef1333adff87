import { Flex, FlexItem, Icon } from "@patternfly/react-core";
import SeverityCriticalIcon from "@patternfly/react-icons/dist/esm/icons/severity-critical-icon";
import SeverityImportantIcon from "@patternfly/react-icons/dist/esm/icons/severity-important-icon";
import SeverityMinorIcon from "@patternfly/react-icons/dist/esm/icons/severity-minor-icon";
import SeverityModerateIcon from "@patternfly/react-icons/dist/esm/icons/severity-moderate-icon";
import SeverityUndefinedIcon from "@patternfly/react-icons/dist/esm/icons/severity-undefined-icon";
import type { ReactNode } from "react";
import type { Severity } from "../api/generated/types.gen";
import { severityColor } from "./severities";

const ICONS: Record<Severity, ReactNode> = {
  Critical: <SeverityCriticalIcon />,
  High: <SeverityImportantIcon />,
  Medium: <SeverityModerateIcon />,
  Low: <SeverityMinorIcon />,
  Unknown: <SeverityUndefinedIcon />,
};

/** A severity as an icon of its own shape and colour, and its name. */
export function SeverityMark({ severity, children }: { severity: Severity; children?: ReactNode }) {
  return (
    <Flex
      display={{ default: "inlineFlex" }}
      columnGap={{ default: "columnGapXs" }}
      flexWrap={{ default: "nowrap" }}
      alignItems={{ default: "alignItemsCenter" }}
    >
      <FlexItem>
        <Icon isInline style={{ color: severityColor(severity) }}>
          {ICONS[severity]}
        </Icon>
      </FlexItem>
      <FlexItem>{children ?? severity}</FlexItem>
    </Flex>
  );
}
