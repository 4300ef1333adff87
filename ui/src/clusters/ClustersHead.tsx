import { Button } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { PageHead } from "../shell/PageHead";
import { PageTabs } from "../shell/PageTabs";
import { CLUSTERS_PATH, INSTALL_PATH, TOKENS_PATH } from "./clusterPath";

const PAGES = [
  { title: "Clusters", path: CLUSTERS_PATH },
  { title: "Registration Tokens", path: TOKENS_PATH },
];

/** The head of the pages of Cluster Management. */
export function ClustersHead({ active, actions }: { active: string; actions?: ReactNode }) {
  return (
    <>
      <PageHead
        title="Cluster Management"
        description="Clusters in contact with Deadlight, how their agents fare and what is scanned there."
        actions={actions ?? <Button component={(link) => <Link {...link} to={INSTALL_PATH} />}>Install Runtime</Button>}
      />
      <PageTabs label="Pages of Cluster Management" pages={PAGES} active={active} />
    </>
  );
}
