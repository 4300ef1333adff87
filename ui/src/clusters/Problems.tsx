import type { ProblemInfo } from "../api/generated/types.gen";
import { Said } from "../facts/Said";
import { Notice } from "../states/Notice";

/** What is wrong with a cluster and what to do; nothing where nothing is wrong. */
export function ProblemNotices({ problems }: { problems: readonly ProblemInfo[] }) {
  return problems.map((problem) => (
    <Notice key={problem.kind + problem.message} variant={problem.severity} title={problem.message}>
      <span className="dl-break">
        <Said text={problem.advice} />
      </span>
    </Notice>
  ));
}
