import { PageTabs } from "../shell/PageTabs";

const PAGES = [
  { title: "Images", path: "/runtime/live/images" },
  { title: "Workloads", path: "/runtime/live/workloads" },
  { title: "Processes", path: "/runtime/live/processes" },
];

/** The lists of Live Assessment. */
export function LiveTabs({ active }: { active: string }) {
  return <PageTabs label="Live Assessment" pages={PAGES} active={active} />;
}
