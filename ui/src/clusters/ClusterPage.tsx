import {
  Button,
  Card,
  CardBody,
  CardHeader,
  CardTitle,
  DescriptionList,
  Flex,
  Grid,
  GridItem,
  PageSection,
  Skeleton,
  Stack,
  StackItem,
  Title,
} from "@patternfly/react-core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link, useNavigate, useParams } from "react-router";
import { HEALTH_INTERVAL_MILLISECONDS } from "../api/clusters";
import { getManagedClusterOptions, listManagedClustersOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ClusterDetail, ClusterRow } from "../api/generated/types.gen";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { PageHead } from "../shell/PageHead";
import { Notice } from "../states/Notice";
import { PageFailure } from "../states/PageFailure";
import { ClusterStatusLabel } from "./ClusterStatusLabel";
import { ControllerLabel } from "./ControllerLabel";
import { CLUSTERS_PATH, reinstallPath } from "./clusterPath";
import { nodeState } from "./health";
import { NodesDonut } from "./NodesDonut";
import { NodesTable } from "./NodesTable";
import { ProblemNotices } from "./Problems";
import { RemoveCluster } from "./RemoveCluster";
import { ScanConfiguration } from "./ScanConfiguration";
import { SensorsPill } from "./SensorsPill";
import { tokenLook } from "./tokenState";

const ABOVE = { title: "Cluster Management", path: CLUSTERS_PATH };

/** A cluster with its nodes. */
export function ClusterPage() {
  const { clusterId = "" } = useParams();
  const { data, error, refetch } = useQuery({
    ...getManagedClusterOptions({ path: { cluster_id: clusterId } }),
    refetchInterval: HEALTH_INTERVAL_MILLISECONDS,
  });
  if (error && !data) {
    return <PageFailure subject="this cluster" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return <Cluster detail={data} />;
}

function Cluster({ detail }: { detail: ClusterDetail | undefined }) {
  const cluster = detail?.cluster;
  return (
    <>
      <PageHead
        title={cluster?.name ?? "Cluster"}
        above={[ABOVE]}
        labels={
          cluster && (
            <>
              <ClusterStatusLabel status={cluster.status} />
              <DemonstrationLabel isShown={cluster.demonstration} />
            </>
          )
        }
        actions={cluster && <ClusterActions cluster={cluster} />}
      />
      <PageSection isFilled>
        {detail ? <ClusterParts detail={detail} /> : <Skeleton height="40rem" screenreaderText="Loading" />}
      </PageSection>
    </>
  );
}

function ClusterParts({ detail: { cluster, nodes } }: { detail: ClusterDetail }) {
  return (
    <Stack hasGutter>
      {cluster.problems.length > 0 && (
        <StackItem className="dl-part">
          <ProblemNotices problems={cluster.problems} />
        </StackItem>
      )}
      <StackItem>
        <Grid hasGutter>
          <Part title="Cluster Details">
            <ClusterFacts cluster={cluster} />
          </Part>
          <Part title="Controller Details">
            <ControllerFacts cluster={cluster} />
          </Part>
          <Part title="Nodes by Status">
            <NodesDonut states={nodes.map(({ status }) => nodeState(status, cluster.installation))} />
          </Part>
        </Grid>
      </StackItem>
      <StackItem>
        <Title headingLevel="h2">Nodes</Title>
        {cluster.installation === "controller_only" && <ControllerOnly cluster={cluster} />}
        <div className="dl-after">
          <NodesTable nodes={nodes} installation={cluster.installation} />
        </div>
      </StackItem>
    </Stack>
  );
}

function ClusterActions({ cluster }: { cluster: ClusterRow }) {
  const [task, setTask] = useState<"configure" | "remove" | null>(null);
  const navigate = useNavigate();
  const { data } = useQuery({ ...listManagedClustersOptions(), placeholderData: keepPreviousData });
  const close = () => setTask(null);
  return (
    <Flex columnGap={{ default: "columnGapSm" }}>
      <Button variant="secondary" isDisabled={!data} onClick={() => setTask("configure")}>
        Configure
      </Button>
      <Button variant="secondary" isDanger onClick={() => setTask("remove")}>
        Remove
      </Button>
      {task === "configure" && data && (
        <ScanConfiguration clusters={[cluster]} scanners={data.overview.coverage} close={close} />
      )}
      {task === "remove" && (
        <RemoveCluster cluster={cluster} close={close} removed={() => void navigate(CLUSTERS_PATH)} />
      )}
    </Flex>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  const id = title.replaceAll(" ", "-");
  return (
    <GridItem span={12} lg={4}>
      <Card isFullHeight isCompact component="section" aria-labelledby={id}>
        <CardHeader>
          <CardTitle component="h2" id={id}>
            {title}
          </CardTitle>
        </CardHeader>
        <CardBody>{children}</CardBody>
      </Card>
    </GridItem>
  );
}

function ClusterFacts({ cluster }: { cluster: ClusterRow }) {
  const { scanners, retention_days: days } = cluster.configuration;
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "8.5rem" }}>
      <Fact name="Provider">{cluster.provider}</Fact>
      <Fact name="Location">{cluster.regions.join(", ") || "–"}</Fact>
      <Fact name="Version">{cluster.kubernetes_version || "–"}</Fact>
      <Fact name="Sensors Status">
        <SensorsPill cluster={cluster} />
      </Fact>
      <Fact name="Creation Date">
        <Moment at={cluster.created_at} />
      </Fact>
      <Fact name="Scan Configuration">
        {scanners.length} of 6 scanners, results kept {days} {days === 1 ? "day" : "days"}
      </Fact>
    </DescriptionList>
  );
}

function ControllerFacts({ cluster: { controller, token } }: { cluster: ClusterRow }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "8.5rem" }}>
      <Fact name="Node Name">
        <span className="dl-break">{controller.node_name || "Outside the cluster, or not told"}</span>
      </Fact>
      <Fact name="Status">
        <ControllerLabel status={controller.status} />
      </Fact>
      <Fact name="Controller Version">{controller.version || "–"}</Fact>
      <Fact name="Last Contact">
        <Moment isRelative at={controller.last_seen_at} />
      </Fact>
      <Fact name="Started">
        <Moment at={controller.started_at} />
      </Fact>
      <Fact name="Registration Token">
        {token ? (
          <>
            {token.name}: {tokenLook(token.state).name}, until <Moment at={token.expires_at} />
          </>
        ) : (
          "–"
        )}
      </Fact>
    </DescriptionList>
  );
}

function ControllerOnly({ cluster }: { cluster: ClusterRow }) {
  return (
    <div className="dl-after">
      <Notice variant="info" title="No Runtime Sensor was installed on this cluster">
        The controller shows what runs and whether its images are genuine; which packages are in use only sensors see.{" "}
        <Link to={reinstallPath(cluster.name)}>Install Runtime again with Controller and Sensors</Link> to add one to
        every node: the same command upgrades what is there.
      </Notice>
    </div>
  );
}
