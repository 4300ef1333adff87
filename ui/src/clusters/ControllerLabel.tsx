import { Label } from "@patternfly/react-core";
import type { ControllerStatus } from "../api/generated/types.gen";

/** Whether a cluster's controller has been heard of lately. */
export function ControllerLabel({ status }: { status: ControllerStatus }) {
  const isRunning = status === "running";
  return (
    <Label isCompact status={isRunning ? "success" : "danger"}>
      {isRunning ? "Running" : "Stopped"}
    </Label>
  );
}
