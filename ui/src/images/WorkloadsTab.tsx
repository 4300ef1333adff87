import { DescriptionList, Label } from "@patternfly/react-core";
import type { UseQueryResult } from "@tanstack/react-query";
import type { WorkloadRow } from "../api/generated/types.gen";
import { Fact } from "../facts/Fact";
import { Person } from "../facts/Person";
import { Failure } from "../states/Failure";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { ClusterName } from "./ClusterName";

const COLUMNS: readonly Column<WorkloadRow>[] = [
  { title: "Name", width: 20, cell: (row) => row.name },
  { title: "Kind", isNarrow: true, cell: (row) => row.kind },
  { title: "Namespace", cell: (row) => row.namespace },
  { title: "Cluster", cell: (row) => <ClusterName workload={row} /> },
  { title: "Nodes", isNarrow: true, cell: (row) => row.nodes.length },
  { title: "Status", isNarrow: true, cell: (row) => <WorkloadStatus status={row.status} /> },
  {
    title: "Deployed By",
    width: 25,
    cell: (row) => <Person attribution={row.deployed_by} unless="The workload does not say." />,
  },
];

export function WorkloadsTab({ workloads }: { workloads: UseQueryResult<WorkloadRow[], unknown> }) {
  if (workloads.error && !workloads.data) {
    return <Failure subject="the workloads" error={workloads.error} retry={() => void workloads.refetch()} />;
  }
  return (
    <SearchableTable
      label="Workloads"
      searchLabel="Search by name, namespace or cluster"
      columns={COLUMNS}
      rows={workloads.data}
      rowKey={(row) => String(row.id)}
      textOf={(row) => `${row.name} ${row.kind} ${row.namespace} ${row.cluster}`}
      details={(row) => row.nodes.length > 0 && <WorkloadNodes nodes={row.nodes} />}
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
