import { Label, type LabelProps } from "@patternfly/react-core";
import type { IntegrityStatus } from "../api/generated/types.gen";

const LOOKS: Record<IntegrityStatus, LabelProps["status"]> = {
  "No Issues": "success",
  "Untrusted Registry": "warning",
  "Invalid Image Source": "danger",
  "Invalid Image Integrity": "danger",
};

/** The verdict in its documented words; null: the image has not been compared with its registry yet. */
export function IntegrityLabel({ status, isCompact }: { status: IntegrityStatus | null; isCompact?: boolean }) {
  if (status === null) {
    return (
      <Label isCompact={isCompact} variant="outline">
        Not compared yet
      </Label>
    );
  }
  return (
    <Label isCompact={isCompact} status={LOOKS[status]}>
      {status}
    </Label>
  );
}
