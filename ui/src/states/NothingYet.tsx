import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import CubesIcon from "@patternfly/react-icons/dist/esm/icons/cubes-icon";
import type { ReactNode } from "react";

interface NothingYetProps {
  title: string;
  /** What to do so that something appears. */
  children: ReactNode;
  actions?: ReactNode;
}

/** There is nothing here yet, and how to change that. */
export function NothingYet({ title, children, actions }: NothingYetProps) {
  return (
    <EmptyState variant="sm" titleText={title} headingLevel="h2" icon={CubesIcon}>
      <EmptyStateBody>{children}</EmptyStateBody>
      {actions && (
        <EmptyStateFooter>
          <EmptyStateActions>{actions}</EmptyStateActions>
        </EmptyStateFooter>
      )}
    </EmptyState>
  );
}
