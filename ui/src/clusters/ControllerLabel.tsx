import { Label } from "@patternfly/react-core";

/** Whether a cluster's controller has been heard of lately. */
export function ControllerLabel({ status }: { status: string }) {
  const isRunning = status === "running";
  return (
    <Label isCompact status={isRunning ? "success" : "danger"}>
      {isRunning ? "Running" : "Stopped"}
    </Label>
  );
}
