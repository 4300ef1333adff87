import { Label } from "@patternfly/react-core";
import type { RuntimeStatus } from "../api/generated/types.gen";

const NAMES: Record<RuntimeStatus, string> = { running: "Running", stopped: "Stopped", unknown: "Unknown" };

/** Whether something runs now. */
export function RuntimeStatusLabel({ status }: { status: RuntimeStatus }) {
  return (
    <Label isCompact variant="outline" color={status === "running" ? "green" : "grey"}>
      {NAMES[status]}
    </Label>
  );
}
