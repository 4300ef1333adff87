import {
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  Grid,
  GridItem,
  PageSection,
  Skeleton,
} from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { getLiveWorkloadOptions } from "../api/generated/@tanstack/react-query.gen";
import type { WorkloadDetail, WorkloadPod } from "../api/generated/types.gen";
import { DetectionsTab } from "../detections/DetectionsTab";
import { CoverageNote } from "../facts/CoverageNote";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { Fact } from "../facts/Fact";
import { Moment } from "../facts/Moment";
import { Person } from "../facts/Person";
import { RiskLabels } from "../facts/RiskLabels";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { ClusterName } from "../images/ClusterName";
import { CutNote } from "../images/CutNote";
import { ImageName } from "../images/ImageName";
import { TAG_COLUMNS } from "../images/imageColumns";
import { VulnerabilityCounts } from "../live/VulnerabilityCounts";
import { type DetailTab, DetailTabs } from "../shell/DetailTabs";
import { PageHead } from "../shell/PageHead";
import { PageFailure } from "../states/PageFailure";
import { type Column, DataTable } from "../table/DataTable";
import { WorkloadProcesses } from "./WorkloadProcesses";
import { Nodes } from "./workloadColumns";
import { workloadPath } from "./workloadList";
import { describeSource } from "./workloadTexts";

const ABOVE = { title: "Workloads", path: "/runtime/live/workloads" };

/** Everything about one workload: what it runs, where, and who deployed it. */
export function WorkloadPage() {
  const path = { workload_id: Number(useParams().workloadId) };
  const { data, error, refetch } = useQuery(getLiveWorkloadOptions({ path }));
  if (error && !data) {
    return <PageFailure subject="this workload" error={error} retry={() => void refetch()} list={ABOVE} />;
  }
  return data ? <Loaded workload={data} /> : <Loading />;
}

function Loaded({ workload }: { workload: WorkloadDetail }) {
  return (
    <>
      <PageHead
        title={workload.name}
        above={[ABOVE]}
        labels={
          <>
            {workload.risks.length > 0 && <RiskLabels risks={workload.risks} />}
            <DemonstrationLabel isShown={workload.demonstration} />
          </>
        }
        description={
          <span className="dl-subtle dl-facts">
            <span>{workload.kind}</span>
            <span>{workload.namespace}</span>
            <span>{workload.cluster}</span>
          </span>
        }
      />
      <PageSection>
        <WorkloadCard workload={workload} />
      </PageSection>
      <PageSection isFilled>
        <DetailTabs label="More about the workload" page={workloadPath(workload.id)} tabs={workloadTabs(workload)} />
      </PageSection>
    </>
  );
}

function WorkloadCard({ workload }: { workload: WorkloadDetail }) {
  return (
    <Card>
      <CardTitle component="h2">Workload Info</CardTitle>
      <CardBody>
        <DescriptionList isCompact columnModifier={{ default: "1Col", md: "2Col", xl: "3Col" }}>
          <Fact name="Status">
            <RuntimeStatusLabel status={workload.runtime_status} />
          </Fact>
          <Fact name="Vulnerabilities">
            <VulnerabilityCounts
              severities={workload.severities}
              scanState={workload.scan_state}
              note={describeSource(workload)}
            />
          </Fact>
          <Fact name="Deployed By">
            <Person attribution={workload.deployed_by} unless="The workload does not say." />
          </Fact>
          <Fact name="Cluster">
            <ClusterName place={workload} />
          </Fact>
          <Fact name="Namespace">{workload.namespace}</Fact>
          <Fact name="Nodes">
            <Nodes nodes={workload.nodes} />
          </Fact>
          <Fact name="Pods">
            {workload.ready} ready of {workload.desired} wanted
          </Fact>
          <Fact name="Runtime coverage">
            <CoverageNote coverage={workload.coverage} />
          </Fact>
          <Fact name="Architecture">{workload.architectures.join(", ")}</Fact>
          <Fact name="Created">
            <Moment at={workload.created_at} />
          </Fact>
        </DescriptionList>
      </CardBody>
    </Card>
  );
}

const POD_COLUMNS: readonly Column<WorkloadPod>[] = [
  { title: "Pod", width: 25, cell: (row) => row.name },
  { title: "Phase", isNarrow: true, cell: (row) => row.phase },
  { title: "Node", width: 20, cell: (row) => row.node || <span className="dl-subtle">Not on a node yet</span> },
  {
    title: "Containers",
    cell: (row) => row.containers.map((image) => <div key={image}>{image}</div>),
  },
];

function workloadTabs(workload: WorkloadDetail): readonly DetailTab[] {
  const { id, name, processes_count: processes, pods, pods_count: podsCount } = workload;
  return [
    {
      key: "processes",
      title: `Processes (${processes})`,
      content: <WorkloadProcesses workloadId={id} name={name} expected={processes} />,
    },
    {
      key: "images",
      title: `Images (${workload.images.length})`,
      content: (
        <DataTable
          label="Images"
          columns={[IMAGE, ...TAG_COLUMNS]}
          rows={workload.images}
          rowKey={(row) => String(row.id)}
          empty="No image of this workload is known."
        />
      ),
    },
    {
      key: "detections",
      title: "Detections",
      content: <DetectionsTab subject={{ workload_id: id }} what="workload" />,
    },
    {
      key: "pods",
      title: `Pods (${podsCount})`,
      content: (
        <>
          <CutNote shown={pods.length} total={podsCount} what="pods" />
          <DataTable
            label="Pods"
            columns={POD_COLUMNS}
            rows={pods}
            rowKey={(row) => row.name}
            empty="This workload has no pod now."
          />
        </>
      ),
    },
  ];
}

const IMAGE: Column<WorkloadDetail["images"][number]> = {
  title: "Image",
  width: 20,
  cell: (row) => <ImageName name={`${row.registry}/${row.repository}`} />,
};

function Loading() {
  return (
    <>
      <PageHead title="Workload" above={[ABOVE]} description={<Skeleton width="30%" screenreaderText="Loading" />} />
      <PageSection isFilled>
        <Grid hasGutter>
          <GridItem>
            <Skeleton height="14rem" />
          </GridItem>
          <GridItem>
            <Skeleton height="18rem" />
          </GridItem>
        </Grid>
      </PageSection>
    </>
  );
}
