import { Label } from "@patternfly/react-core";
import type { ClusterStatus } from "../api/generated/types.gen";
import { clusterLook } from "./health";

/** The state of a cluster's agents as a whole. */
export function ClusterStatusLabel({ status }: { status: ClusterStatus }) {
  const look = clusterLook(status);
  return (
    <Label isCompact status={look.status}>
      {look.name}
    </Label>
  );
}
