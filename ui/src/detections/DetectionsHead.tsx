import type { ReactNode } from "react";
import { PageHead } from "../shell/PageHead";
import { PageTabs } from "../shell/PageTabs";
import { BLOCKING_PATH, DETECTIONS_PATH, EXCEPTIONS_PATH, RULES_PATH } from "./paths";

const PAGES = [
  { title: "Detections", path: DETECTIONS_PATH },
  { title: "Exceptions", path: EXCEPTIONS_PATH },
  { title: "Threat Rules", path: RULES_PATH },
  { title: "Blocking", path: BLOCKING_PATH },
];

interface DetectionsHeadProps {
  active: string;
  title: string;
  description: string;
  actions?: ReactNode;
}

/** The head of the pages about threats. */
export function DetectionsHead({ active, title, description, actions }: DetectionsHeadProps) {
  return (
    <>
      <PageHead title={title} description={description} actions={actions} />
      <PageTabs label="Pages about threats" pages={PAGES} active={active} />
    </>
  );
}
