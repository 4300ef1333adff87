import {
  Card,
  CardBody,
  DescriptionList,
  Label,
  List,
  ListItem,
  PageSection,
  Skeleton,
  Stack,
  StackItem,
  Title,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { HEALTH_INTERVAL_MILLISECONDS } from "../api/clusters";
import { getClusterOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterDetailOut, ClusterOut, NodeOut } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { PageHead } from "../shell/PageHead";
import { NothingYet } from "../states/NothingYet";
import { PageFailure } from "../states/PageFailure";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { ControllerLabel } from "./ControllerLabel";
import { describeNode } from "./health";
import { SensorsPill } from "./SensorsPill";

const ABOVE = { title: "Cluster Management", path: "/runtime/clusters" };

const NODE_COLUMNS: readonly Column<NodeOut>[] = [
  { title: "Node Name", width: 30, cell: (row) => row.name },
  { title: "Status", width: 20, cell: (row) => <NodeStatus node={row} /> },
  { title: "Region", cell: (row) => row.region || "–" },
  { title: "Node IP", isNarrow: true, cell: (row) => row.internal_ip || "–" },
  { title: "Architecture", isNarrow: true, cell: (row) => row.architecture || "–" },
  { title: "Sensor Version", isNarrow: true, cell: (row) => row.sensor_version || "–" },
  {
    title: "Last Contact",
    isNarrow: true,
    cell: (row) => <Moment isRelative at={row.sensor_last_updated} />,
  },
];

/** A cluster with its nodes. */
export function ClusterPage() {
  const { clusterId = "" } = useParams();
  const { data, error, refetch } = useQuery({
    ...getClusterOptions({ path: { cluster_id: clusterId } }),
    refetchInterval: HEALTH_INTERVAL_MILLISECONDS,
  });
  if (error && !data) {
    return <PageFailure subject="this cluster" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return <Cluster detail={data} />;
}

function Cluster({ detail }: { detail: ClusterDetailOut | undefined }) {
  return (
    <>
      <PageHead
        title={detail?.cluster.name ?? "Cluster"}
        above={[ABOVE]}
        labels={<DemonstrationLabel isShown={detail?.cluster.demonstration ?? false} />}
      />
      <PageSection isFilled>
        <Stack hasGutter>
          <StackItem>
            <Card>
              <CardBody>
                {detail ? (
                  <ClusterFacts cluster={detail.cluster} />
                ) : (
                  <Skeleton height="7.25rem" screenreaderText="Loading" />
                )}
              </CardBody>
            </Card>
          </StackItem>
          <StackItem>
            <Title headingLevel="h2">Nodes</Title>
            <SearchableTable
              label="Nodes"
              searchLabel="Search by name, status or region"
              columns={NODE_COLUMNS}
              rows={detail?.nodes}
              rowKey={(row) => row.id}
              textOf={(row) => `${row.name} ${describeNode(row.status).name} ${row.region} ${row.internal_ip}`}
              empty={
                <NothingYet title="No nodes are known yet">
                  The controller lists them with its first synchronisation. If this stays empty, look at its log.
                </NothingYet>
              }
            />
          </StackItem>
        </Stack>
      </PageSection>
    </>
  );
}

function ClusterFacts({ cluster }: { cluster: ClusterOut }) {
  return (
    <DescriptionList isCompact columnModifier={{ default: "2Col", lg: "3Col" }}>
      <Fact name="Controller Status">
        <ControllerLabel status={cluster.controller_status} />{" "}
        <span className="dl-subtle">
          last contact <Moment isRelative at={cluster.controller_last_updated} />
        </span>
      </Fact>
      <Fact name="Sensors Status">
        <SensorsPill cluster={cluster} />
      </Fact>
      <Fact name="Provider">{cluster.provider}</Fact>
      <Fact name="Location">{cluster.regions.join(", ") || "–"}</Fact>
      <Fact name="Version">{cluster.controller_version || "–"}</Fact>
      <Fact name="Creation Date">
        <Moment at={cluster.monitored_at} />
      </Fact>
    </DescriptionList>
  );
}

function NodeStatus({ node }: { node: NodeOut }) {
  const { name, status, meaning } = describeNode(node.status);
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>
      {meaning && <div className="dl-subtle">{meaning}</div>}
      {node.sensor_problems.length > 0 && (
        <List isPlain>
          {node.sensor_problems.map((problem) => (
            <ListItem key={problem} className="dl-subtle">
              {problem}
            </ListItem>
          ))}
        </List>
      )}
    </>
  );
}
