import { List, ListItem } from "@patternfly/react-core";
import type { ProblemInfo } from "../api/generated/types.gen";
import { Notice } from "../states/Notice";

/** What is wrong with a cluster and what to do, one under the other. */
export function ProblemList({ problems }: { problems: readonly ProblemInfo[] }) {
  return (
    <List isPlain>
      {problems.map((problem) => (
        <ListItem key={problem.kind + problem.message}>
          {problem.message}. <span className="dl-subtle dl-break">{problem.advice}</span>
        </ListItem>
      ))}
    </List>
  );
}

/** The same above a cluster's page; nothing where nothing is wrong. */
export function ProblemNotices({ problems }: { problems: readonly ProblemInfo[] }) {
  return problems.map((problem) => (
    <Notice key={problem.kind + problem.message} variant={problem.severity} title={problem.message}>
      <span className="dl-break">{problem.advice}</span>
    </Notice>
  ));
}
