import { Card, CardHeader, CardTitle, Flex, FlexItem, Gallery, Icon, Skeleton } from "@patternfly/react-core";
import BugIcon from "@patternfly/react-icons/dist/esm/icons/bug-icon";
import DatabaseIcon from "@patternfly/react-icons/dist/esm/icons/database-icon";
import SkullIcon from "@patternfly/react-icons/dist/esm/icons/skull-icon";
import UserSecretIcon from "@patternfly/react-icons/dist/esm/icons/user-secret-icon";
import type { ReactNode } from "react";
import type { Risk } from "../api/generated/types.gen";
import { RISK_NAMES } from "../facts/risks";

const CARDS: readonly { risk: Risk; icon: ReactNode }[] = [
  { risk: "malicious", icon: <SkullIcon /> },
  { risk: "critical_applicable_cves", icon: <BugIcon /> },
  { risk: "integrity_violation", icon: <UserSecretIcon /> },
  { risk: "untrusted_registry", icon: <DatabaseIcon /> },
];

interface QuickFiltersProps {
  /** How many there are with each risk within the other filters; undefined while that is not known. */
  counts: Partial<Record<Risk, number>> | undefined;
  chosen: readonly string[];
  toggle: (risk: Risk) => void;
}

/** The risks to look at first, with how many there are of each; each is a filter. */
export function QuickFilters({ counts, chosen, toggle }: QuickFiltersProps) {
  return (
    <Gallery
      hasGutter
      minWidths={{ default: "13rem" }}
      component="section"
      aria-label="Quick filters"
      className="dl-quick"
    >
      {CARDS.map(({ risk, icon }) => (
        <Card key={risk} id={`quick-${risk}`} isCompact isSelectable isSelected={chosen.includes(risk)}>
          <CardHeader
            selectableActions={{
              selectableActionId: `choose-${risk}`,
              selectableActionAriaLabelledby: `title-${risk}`,
              name: "quick-filter",
              variant: "multiple",
              isChecked: chosen.includes(risk),
              onChange: () => toggle(risk),
              isHidden: true,
            }}
          >
            <CardTitle id={`title-${risk}`} component="h2">
              <Flex columnGap={{ default: "columnGapSm" }} flexWrap={{ default: "nowrap" }}>
                <FlexItem>
                  <Icon isInline>{icon}</Icon>
                </FlexItem>
                <FlexItem className="dl-quick__count">
                  {counts === undefined ? <Skeleton width="2ch" screenreaderText="Counting" /> : (counts[risk] ?? 0)}
                </FlexItem>
                <FlexItem>{RISK_NAMES[risk]}</FlexItem>
              </Flex>
            </CardTitle>
          </CardHeader>
        </Card>
      ))}
    </Gallery>
  );
}
