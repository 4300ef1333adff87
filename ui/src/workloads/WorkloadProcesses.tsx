import { useQuery } from "@tanstack/react-query";
import { listWorkloadProcessesOptions } from "../api/generated/@tanstack/react-query.gen";
import { WORKLOAD_PROCESS_COLUMNS } from "../processes/processColumns";
import { processKey } from "../processes/processList";
import { Failure } from "../states/Failure";
import { DataTable } from "../table/DataTable";

interface WorkloadProcessesProps {
  workloadId: number;
  name: string;
  expected: number;
}

/** What sensors saw a workload execute, riskiest first. */
export function WorkloadProcesses({ workloadId, name, expected }: WorkloadProcessesProps) {
  const { data, error, refetch } = useQuery(listWorkloadProcessesOptions({ path: { workload_id: workloadId } }));
  if (error && !data) {
    return <Failure subject={`the processes of ${name}`} error={error} retry={() => void refetch()} />;
  }
  return (
    <DataTable
      label={`Processes of ${name}`}
      columns={WORKLOAD_PROCESS_COLUMNS}
      rows={data}
      rowKey={processKey}
      expectedRows={Math.min(Math.max(expected, 1), 10)}
      empty="No sensor saw this workload execute anything: its cluster may have a controller alone, or its programs started before the sensor did. Its risks are those of its images."
    />
  );
}
