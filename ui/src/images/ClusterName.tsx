import { Link } from "react-router";
import type { WorkloadRow } from "../api/generated/types.gen";
import { clusterPath } from "../clusters/clusterPath";
import { DemonstrationLabel } from "../facts/DemonstrationLabel";
import { useMay } from "../session/session";

/** The cluster a workload is on, with a link for those who may look at clusters. */
export function ClusterName({ workload }: { workload: WorkloadRow }) {
  const mayLookAtClusters = useMay("admin");
  return (
    <>
      {mayLookAtClusters ? <Link to={clusterPath(workload.cluster_id)}>{workload.cluster}</Link> : workload.cluster}{" "}
      <DemonstrationLabel isShown={workload.demonstration} />
    </>
  );
}
