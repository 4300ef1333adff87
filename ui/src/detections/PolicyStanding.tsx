import { ExpandableSection, Skeleton } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import type { PolicyStanding as Standing } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { Notice } from "../states/Notice";
import { type Column, DataTable } from "../table/DataTable";
import { describeStanding, standingOptions } from "./policyStanding";

interface Behind {
  cluster: string;
  wanted: number;
  node: string;
  policy: number | null;
  since: string | null;
  last_seen_at: string | null;
}

/** How many sensors have what people decided about rules and blocking, and which do not; nothing where there is none. */
export function PolicyStanding() {
  const { data, isPending } = useQuery(standingOptions());
  if (isPending) {
    return (
      <div className="dl-before">
        <Skeleton height="5rem" screenreaderText="Loading" />
      </div>
    );
  }
  const clusters = data?.filter(({ sensors }) => sensors > 0) ?? [];
  if (clusters.length === 0) {
    return null;
  }
  const behind = clusters.flatMap(behindOf);
  const isBehind = clusters.some(({ sensors, current }) => current < sensors);
  return (
    <div className="dl-before">
      <Notice variant={isBehind ? "warning" : "success"} title={describeStanding(clusters)}>
        {isBehind ? (
          <ExpandableSection toggleText="Which have not" isIndented>
            <DataTable
              label="Sensors without the current policy"
              columns={COLUMNS}
              rows={behind}
              rowKey={(row, place) => `${row.node} ${place}`}
              empty="None."
            />
          </ExpandableSection>
        ) : (
          "Rules, their severities and what is blocked are in force as these pages say."
        )}
      </Notice>
    </div>
  );
}

function behindOf({ cluster, policy, behind }: Standing): Behind[] {
  return behind.map((sensor) => ({ cluster, wanted: policy, ...sensor }));
}

const COLUMNS: readonly Column<Behind>[] = [
  { title: "Node", cell: (row) => <span className="dl-break">{row.node}</span> },
  { title: "Cluster", cell: (row) => <span className="dl-break">{row.cluster}</span> },
  {
    title: "Has",
    cell: (row) =>
      row.policy === null
        ? "It has not said: it is new, or older than this version"
        : `Policy ${row.policy}, not ${row.wanted}`,
  },
  {
    title: "Behind since",
    cell: (row) => (row.since ? <Moment at={row.since} isRelative /> : <span className="dl-subtle">–</span>),
  },
  { title: "Last heard of", cell: (row) => <Moment at={row.last_seen_at} isRelative /> },
];
