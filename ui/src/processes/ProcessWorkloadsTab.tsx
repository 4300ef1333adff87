import { Link } from "react-router";
import type { ProcessDetail, ProcessWorkload } from "../api/generated/types.gen";
import { Moment } from "../facts/Moment";
import { RuntimeStatusLabel } from "../facts/RuntimeStatusLabel";
import { CutNote } from "../images/CutNote";
import { NothingYet } from "../states/NothingYet";
import type { Column } from "../table/DataTable";
import { SearchableTable } from "../table/SearchableTable";
import { Nodes } from "../workloads/workloadColumns";
import { workloadPath } from "../workloads/workloadList";

const COLUMNS: readonly Column<ProcessWorkload>[] = [
  {
    title: "Workload name",
    width: 20,
    cell: (row) => (
      <>
        <Link to={workloadPath(row.id)}>{row.name}</Link>
        <div className="dl-subtle">{row.kind}</div>
      </>
    ),
  },
  { title: "Status", isNarrow: true, cell: (row) => <RuntimeStatusLabel status={row.runtime_status} /> },
  { title: "Cluster", width: 15, cell: (row) => row.cluster },
  { title: "Namespace", width: 15, cell: (row) => row.namespace },
  { title: "Nodes", width: 15, cell: (row) => <Nodes nodes={row.nodes} /> },
  { title: "First started", isNarrow: true, cell: (row) => <Moment at={row.first_seen_at} /> },
  { title: "Last started", isNarrow: true, cell: (row) => <Moment isRelative at={row.last_seen_at} /> },
];

/** The workloads that execute a process. */
export function ProcessWorkloadsTab({ process }: { process: ProcessDetail }) {
  return (
    <SearchableTable
      label="Workloads"
      searchLabel="Search by name, namespace or cluster"
      columns={COLUMNS}
      rows={process.workloads}
      rowKey={(row) => String(row.id)}
      textOf={(row) => `${row.name} ${row.namespace} ${row.cluster}`}
      empty={<NothingYet title="No workload executes it any more">It ran within the last ten days.</NothingYet>}
      note={<CutNote shown={process.workloads.length} total={process.workloads_count} what="workloads" />}
    />
  );
}
