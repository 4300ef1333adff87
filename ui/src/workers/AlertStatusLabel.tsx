import { Label, type LabelProps } from "@patternfly/react-core";
import { ALERT_STATUS_NAMES, type AlertStatus } from "./alerts";

const LOOKS: Record<AlertStatus, LabelProps["status"]> = {
  delivered: "success",
  pending: "info",
  dead: "danger",
  suppressed: "custom",
};

export function AlertStatusLabel({ status }: { status: AlertStatus }) {
  return (
    <Label isCompact status={LOOKS[status]}>
      {ALERT_STATUS_NAMES[status]}
    </Label>
  );
}
