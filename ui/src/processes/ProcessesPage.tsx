import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { LiveProcess, LiveSummary } from "../api/generated/types.gen";
import { type LiveList, LiveListPage } from "../live/LiveListPage";
import { askUncountedFacet } from "../live/liveRows";
import { NoProcesses } from "./NoProcesses";
import { PROCESS_COLUMNS } from "./processColumns";
import { exportProcesses, PROCESS_ORDERS, processKey, processListOptions, processSummaryOptions } from "./processList";

const PROCESSES: LiveList<LiveProcess, LiveSummary> = {
  page: "processes",
  name: "processes",
  title: "Processes",
  columns: PROCESS_COLUMNS,
  keyOf: processKey,
  orders: PROCESS_ORDERS,
  useRows: (query) => useInfiniteQuery(processListOptions(query)),
  useSummary: (query) => useQuery(processSummaryOptions(query)).data,
  askFacet: askUncountedFacet,
  exportRows: exportProcesses,
  nothing: (summary) => <NoProcesses hasSensors={summary?.has_sensors} />,
};

/** Runtime > Live Assessment > Processes. */
export function ProcessesPage() {
  return <LiveListPage list={PROCESSES} />;
}
