import { Button, EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from "@patternfly/react-core";
import ExclamationCircleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import LockIcon from "@patternfly/react-icons/dist/esm/icons/lock-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { Said } from "../facts/Said";

interface FailureProps {
  /** What should have been here, as in "could not load ...". */
  subject: string;
  error: unknown;
  retry: () => void;
  headingLevel?: "h1" | "h2";
  /** Where else to go. */
  children?: ReactNode;
}

/** In place of what could not be loaded: why, and what to do. */
export function Failure({ subject, error, retry, headingLevel = "h2", children }: FailureProps) {
  const problem = asProblem(error);
  const { title, icon, advice } = describeFailure(problem.status, subject);
  return (
    <EmptyState
      titleText={title}
      headingLevel={headingLevel}
      icon={icon}
      status={problem.isTransient ? "danger" : undefined}
    >
      <EmptyStateBody>
        <Said text={problem.message} /> {advice}
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          {![403, 404].includes(problem.status) && <Button onClick={retry}>Try again</Button>}
          {children}
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
}

function describeFailure(status: number, subject: string) {
  if (status === 403) {
    return {
      title: `You may not see ${subject}`,
      icon: LockIcon,
      advice: "Ask an administrator of Deadlight for that role.",
    };
  }
  if (status === 404) {
    return { title: `Could not find ${subject}`, icon: SearchIcon, advice: "It may have been removed." };
  }
  return { title: `Could not load ${subject}`, icon: ExclamationCircleIcon, advice: "" };
}
