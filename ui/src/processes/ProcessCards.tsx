import { Alert, Card, CardBody, CardTitle, DescriptionList, Grid, GridItem } from "@patternfly/react-core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { ProcessDetail } from "../api/generated/types.gen";
import { Digest } from "../facts/Digest";
import { describeUser } from "../facts/evidence";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { visible } from "../facts/visible";
import { ClusterName } from "../images/ClusterName";
import { ImageName } from "../images/ImageName";
import { imagePath } from "../images/reference";
import { VulnerabilityCounts } from "../live/VulnerabilityCounts";
import { Nodes } from "../workloads/workloadColumns";
import { workloadPath } from "../workloads/workloadList";

/** What a process is, where it runs and which image it comes from. */
export function ProcessCards({ process }: { process: ProcessDetail }) {
  return (
    <Grid hasGutter>
      {process.changed && (
        <GridItem>
          <Alert variant="warning" isInline title="The executed file is not the image's own">
            It was created or changed inside the container, so that neither the image's scan nor its signature says
            anything about it.
          </Alert>
        </GridItem>
      )}
      <GridItem lg={4}>
        <Facts title="Process Info">
          <Fact name="Status">
            <RuntimeStatusLabel status={process.runtime_status} />
            <div className="dl-subtle">
              Stopped once sensors saw it end in every container. Where they do not say, it runs while its workload
              does.
            </div>
          </Fact>
          <Fact name="Vulnerabilities">
            <VulnerabilityCounts severities={process.severities} scanState={process.scan_state} />
            <div className="dl-subtle">of the packages it was seen to use</div>
          </Fact>
          <Fact name="Path">
            <code className="dl-break">{visible(process.path)}</code>
          </Fact>
          <Fact name="Arguments">
            {process.arguments ? <code className="dl-break">{visible(process.arguments)}</code> : "None"}
          </Fact>
          <Fact name="SHA-256">
            {process.sha256 ? (
              <Digest digest={process.sha256} name="hash of the executed file" />
            ) : (
              "Not known: no sensor could read the file in time"
            )}
          </Fact>
          <Fact name="User">{process.users.map(describeUser).join(", ") || "Not known"}</Fact>
          <Fact name="First started">
            <Moment at={process.first_seen_at} />
          </Fact>
          <Fact name="Last started">
            <Moment at={process.last_seen_at} />
          </Fact>
        </Facts>
      </GridItem>
      <GridItem lg={4}>
        <WorkloadInfo process={process} />
      </GridItem>
      <GridItem lg={4}>
        <ImageInfo process={process} />
      </GridItem>
    </Grid>
  );
}

function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card className="dl-fill">
      <CardTitle component="h2">{title}</CardTitle>
      <CardBody>
        <DescriptionList isCompact>{children}</DescriptionList>
      </CardBody>
    </Card>
  );
}

function WorkloadInfo({ process }: { process: ProcessDetail }) {
  const [workload, ...others] = process.workloads;
  if (workload === undefined || others.length > 0) {
    return (
      <Facts title="Workload Info">
        <Fact name="Workloads">{process.workloads_count}</Fact>
        <Fact name="Clusters">{distinct(process.workloads.map(({ cluster }) => cluster))}</Fact>
        <Fact name="Namespaces">{distinct(process.workloads.map(({ namespace }) => namespace))}</Fact>
      </Facts>
    );
  }
  return (
    <Facts title="Workload Info">
      <Fact name="Name">
        <Link to={workloadPath(workload.id)}>{workload.name}</Link>
        <div className="dl-subtle">{workload.kind}</div>
      </Fact>
      <Fact name="Cluster">
        <ClusterName place={{ ...workload, demonstration: process.demonstration }} />
      </Fact>
      <Fact name="Cloud provider">{workload.provider}</Fact>
      <Fact name="Namespace">{workload.namespace}</Fact>
      <Fact name="Nodes">
        <Nodes nodes={workload.nodes} />
      </Fact>
    </Facts>
  );
}

function ImageInfo({ process }: { process: ProcessDetail }) {
  const { image_tag: image } = process;
  return (
    <Facts title="Image Info">
      <Fact name="Image">
        <Link to={imagePath(image.id)}>
          <ImageName name={process.image} />
        </Link>
      </Fact>
      <Fact name="Digest">
        <Digest digest={image.digest} name="digest" />
      </Fact>
      <Fact name="Platform">{image.platform}</Fact>
      <Fact name="Risks of the image">
        <RiskLabels risks={image.risks} />
      </Fact>
      <Fact name="Vulnerabilities of the image">
        <VulnerabilityCounts severities={image.severities} scanState={process.scan_state} />
      </Fact>
    </Facts>
  );
}

function distinct(names: readonly string[]): string {
  return [...new Set(names)].sort().join(", ");
}
