import { ExpandableSection, Skeleton } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { PolicyStanding as PolicyStandingOut } from "../api/generated/types.gen";
import { CLUSTERS_PATH } from "../clusters/clusterPath";
import { Moment } from "../facts/Moment";
import { Failure } from "../states/Failure";
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

/** How many sensors have what people decided about rules and blocking, and which do not. */
export function PolicyStanding() {
  const { data, error, refetch } = useQuery(standingOptions());
  return (
    <div className="dl-before">
      {!data && !error && <Skeleton height="5rem" screenreaderText="Loading" />}
      {!data && error && (
        <Failure subject="which sensors have the current policy" error={error} retry={() => void refetch()} />
      )}
      {data && <Standing clusters={data.filter(({ sensors }) => sensors > 0)} />}
    </div>
  );
}

function Standing({ clusters }: { clusters: readonly PolicyStandingOut[] }) {
  if (clusters.length === 0) {
    return (
      <Notice variant="info" title="No sensor is watching yet">
        What these pages say is in force from a sensor's first heartbeat on.{" "}
        <Link to={CLUSTERS_PATH}>Install sensors</Link>.
      </Notice>
    );
  }
  const isBehind = clusters.some(({ sensors, current }) => current < sensors);
  return (
    <Notice variant={isBehind ? "warning" : "success"} title={describeStanding(clusters)}>
      {isBehind ? (
        <ExpandableSection toggleText="Which have not" isIndented>
          <DataTable
            label="Sensors without the current policy"
            columns={COLUMNS}
            rows={clusters.flatMap(behindOf)}
            rowKey={(row, place) => `${row.node} ${place}`}
            empty="None."
          />
        </ExpandableSection>
      ) : (
        "Rules, their severities and what is blocked are in force as these pages say."
      )}
    </Notice>
  );
}

function behindOf({ cluster, policy, behind }: PolicyStandingOut): Behind[] {
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
