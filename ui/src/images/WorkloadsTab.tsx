import { DescriptionList, Label } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { listImageTagWorkloadsOptions } from "../api/generated/@tanstack/react-query.gen";
import type { ImageTagDetail, WorkloadRow } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Person } from "../facts/Person";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { ClusterName } from "./ClusterName";
import { CutNote } from "./CutNote";

const COLUMNS: readonly Column<WorkloadRow>[] = [
  { title: "Name", width: 20, cell: (row) => row.name },
  { title: "Kind", isNarrow: true, cell: (row) => row.kind },
  { title: "Namespace", cell: (row) => row.namespace },
  { title: "Cluster", cell: (row) => <ClusterName place={row} /> },
  { title: "Nodes", isNarrow: true, cell: (row) => row.nodes.length },
  { title: "Status", isNarrow: true, cell: (row) => <WorkloadStatus status={row.status} /> },
  {
    title: "Deployed By",
    width: 25,
    cell: (row) => <Person attribution={row.deployed_by} unless="The workload does not say." />,
  },
];

/** What runs the image. */
export function WorkloadsTab({ image }: { image: ImageTagDetail }) {
  const { data, error, refetch } = useQuery(listImageTagWorkloadsOptions({ path: { image_tag_id: image.id } }));
  if (error && !data) {
    return <Failure subject="the workloads" error={error} retry={() => void refetch()} />;
  }
  return (
    <SearchableTable
      label="Workloads"
      searchLabel="Search by name, namespace or cluster"
      columns={COLUMNS}
      rows={data?.workloads}
      rowKey={(row) => String(row.id)}
      textOf={(row) => `${row.name} ${row.kind} ${row.namespace} ${row.cluster}`}
      details={(row) => row.nodes.length > 0 && <WorkloadNodes nodes={row.nodes} />}
      note={<CutNote shown={data?.workloads.length} total={data?.total} what="workloads" />}
      empty={
        <NothingYet title="No workload runs this image now">
          It ran within the period you looked at, or was scanned before it runs. Its verdict and its contents stay here.
        </NothingYet>
      }
    />
  );
}

function WorkloadNodes({ nodes }: { nodes: readonly string[] }) {
  return (
    <DescriptionList isCompact isHorizontal horizontalTermWidthModifier={{ default: "18ch" }}>
      <Fact name="Nodes">
        {nodes.map((node) => (
          <div key={node}>{node}</div>
        ))}
      </Fact>
    </DescriptionList>
  );
}

function WorkloadStatus({ status }: { status: string }) {
  return (
    <Label isCompact status={status === "running" ? "success" : undefined}>
      {status}
    </Label>
  );
}
