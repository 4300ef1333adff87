import { Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { useNavigate, useParams } from "react-router";

/** A tab, and the last part of its address. */
export interface DetailTab {
  key: string;
  title: string;
  content: ReactNode;
}

interface DetailTabsProps {
  label: string;
  /** The address of the page they are on. */
  page: string;
  tabs: readonly DetailTab[];
}

/** What there is to show about one thing; the first tab is open unless the address names another. */
export function DetailTabs({ label, page, tabs }: DetailTabsProps) {
  const { tab: wanted } = useParams();
  const navigate = useNavigate();
  const open = tabs.find(({ key }) => key === wanted) ?? tabs[0];
  return (
    <Tabs
      activeKey={open?.key}
      onSelect={(_, key) => void navigate(`${page}/${key}`, { replace: true })}
      aria-label={label}
      mountOnEnter
      unmountOnExit
    >
      {tabs.map(({ key, title, content }) => (
        <Tab key={key} eventKey={key} title={<TabTitleText>{title}</TabTitleText>}>
          {content}
        </Tab>
      ))}
    </Tabs>
  );
}
