import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { LiveSummary, LiveWorkload } from "../api/generated/types.gen";
import { type LiveList, LiveListPage } from "../live/LiveListPage";
import { askUncountedFacet } from "../live/liveRows";
import { NothingRuns } from "../states/NothingRuns";
import { WorkloadProcesses } from "./WorkloadProcesses";
import { WORKLOAD_COLUMNS } from "./workloadColumns";
import { exportWorkloads, WORKLOAD_ORDERS, workloadListOptions, workloadSummaryOptions } from "./workloadList";

const WORKLOADS: LiveList<LiveWorkload, LiveSummary> = {
  page: "workloads",
  name: "workloads",
  title: "Workloads",
  columns: WORKLOAD_COLUMNS,
  keyOf: (row) => String(row.id),
  orders: WORKLOAD_ORDERS,
  useRows: (query) => useInfiniteQuery(workloadListOptions(query)),
  useSummary: (query) => useQuery(workloadSummaryOptions(query)).data,
  askFacet: askUncountedFacet,
  exportRows: exportWorkloads,
  details: {
    label: "Processes of the workload",
    of: (_, row) => <WorkloadProcesses workloadId={row.id} name={row.name} expected={row.processes_count} />,
  },
  nothing: () => <NothingRuns />,
};

/** Runtime > Live Assessment > Workloads. */
export function WorkloadsPage() {
  return <LiveListPage list={WORKLOADS} />;
}
