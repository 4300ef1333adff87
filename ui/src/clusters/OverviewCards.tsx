import { Card, CardBody, CardHeader, CardTitle, Grid, GridItem, Icon, List, ListItem } from "@patternfly/react-core";
import CheckCircleIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import ExclamationTriangleIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { ClustersOverview } from "../api/generated/types.gen";
import { clusterPath } from "./clusterPath";
import { CLUSTER_STATUSES, clusterLook, duration } from "./health";

const NAMED = 3;

/** Figures over all clusters. */
export function OverviewCards({ overview }: { overview: ClustersOverview }) {
  return (
    <Grid hasGutter>
      <OverviewCard title="Monitoring" span={6}>
        <Monitoring overview={overview} />
      </OverviewCard>
      <OverviewCard title="Clusters by Status">
        <Counts
          counts={CLUSTER_STATUSES.map((status) => [clusterLook(status).name, overview.by_status[status] ?? 0])}
        />
      </OverviewCard>
      <OverviewCard title="Clusters by Provider">
        <Counts counts={Object.entries(overview.by_provider)} />
      </OverviewCard>
      <OverviewCard title="Most used versions">
        <Counts counts={Object.entries(overview.by_version)} />
      </OverviewCard>
    </Grid>
  );
}

interface OverviewCardProps {
  title: string;
  span?: 6;
  children: ReactNode;
}

function OverviewCard({ title, span, children }: OverviewCardProps) {
  const id = `overview-${title.replaceAll(" ", "-")}`;
  return (
    <GridItem span={12} md={span ? 12 : 4} xl={span ?? 2}>
      <Card isFullHeight isCompact component="section" aria-labelledby={id}>
        <CardHeader>
          <CardTitle component="h2" id={id}>
            {title}
          </CardTitle>
        </CardHeader>
        <CardBody className="dl-overview">{children}</CardBody>
      </Card>
    </GridItem>
  );
}

function Counts({ counts }: { counts: readonly (readonly [string, number])[] }) {
  if (counts.length === 0) {
    return <span className="dl-subtle">None yet</span>;
  }
  return (
    <List isPlain>
      {counts.map(([name, count]) => (
        <ListItem key={name}>
          <span className="dl-count">{count}</span> {name}
        </ListItem>
      ))}
    </List>
  );
}

function Monitoring({ overview }: { overview: ClustersOverview }) {
  const { failing, monitored_correctly: isCorrect, timeouts } = overview;
  const alone = overview.clusters - overview.with_sensors;
  return (
    <>
      <p>
        <Icon isInline status={isCorrect ? "success" : "warning"}>
          {isCorrect ? <CheckCircleIcon /> : <ExclamationTriangleIcon />}
        </Icon>{" "}
        <strong>{verdict(overview)}</strong>
      </p>
      <p>
        <span className="dl-count">
          {overview.sensors_running}/{overview.sensors_expected}
        </span>{" "}
        sensors are running
        {alone > 0 && `; ${alone} ${alone === 1 ? "cluster has" : "clusters have"} a controller only`}.
      </p>
      {failing.length > 0 && (
        <List isPlain>
          {failing.slice(0, NAMED).map(({ id, name, problems }) => (
            <ListItem key={id}>
              <Link to={clusterPath(id)}>{name}</Link>: {problems[0]?.message}
              {problems.length > 1 && ` and ${problems.length - 1} more`}
            </ListItem>
          ))}
          {failing.length > NAMED && <ListItem>{failing.length - NAMED} more</ListItem>}
        </List>
      )}
      <p className="dl-subtle">
        Agents report every {duration(timeouts.heartbeat)}. Silent for more than {duration(timeouts.agent)}, a
        controller counts as stopped and a sensor as failed; a node that gets no sensor within{" "}
        {duration(timeouts.installation)} as failed to install.
      </p>
    </>
  );
}

function verdict({ clusters, failing, monitored_correctly: isCorrect }: ClustersOverview): string {
  if (isCorrect) {
    return "The environment is monitored correctly";
  }
  return failing.length === 1
    ? "1 cluster needs attention"
    : `${failing.length} of ${clusters} clusters need attention`;
}
