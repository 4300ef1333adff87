import type { ReactNode } from "react";
import { PageHead } from "../shell/PageHead";
import { PageTabs } from "../shell/PageTabs";

const PAGES = [
  { title: "Workers", path: "/admin/workers" },
  { title: "Alerts", path: "/admin/workers/alerts" },
];

/** The head of the two pages about workers. */
export function WorkersHead({ active, actions }: { active: string; actions?: ReactNode }) {
  return (
    <>
      <PageHead
        title="Workers"
        description="Workers listen to events and tell the people and tools concerned."
        actions={actions}
      />
      <PageTabs label="Pages about workers" pages={PAGES} active={active} />
    </>
  );
}
