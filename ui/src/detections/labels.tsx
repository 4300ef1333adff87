import { Label, type LabelProps } from "@patternfly/react-core";
import type { DetectionRow, DetectionStatus, Response } from "../api/generated/types.gen";
import { RESPONSE_NAMES, STATUS_NAMES } from "./detectionQuery";

const STATUS_LOOKS: Record<DetectionStatus, Pick<LabelProps, "status" | "color">> = {
  open: { status: "danger" },
  acknowledged: { status: "info" },
  resolved: { status: "success" },
};

/** What became of a detection, and whether an exception suppresses it. */
export function DetectionStatusLabel({ detection }: { detection: DetectionRow }) {
  return (
    <>
      <Label isCompact {...STATUS_LOOKS[detection.status]}>
        {STATUS_NAMES[detection.status]}
      </Label>{" "}
      {detection.suppressed_by && (
        <Label isCompact color="grey">
          Suppressed
        </Label>
      )}
    </>
  );
}

const RESPONSE_LOOKS: Record<Response, Pick<LabelProps, "status" | "color">> = {
  reported: { color: "grey" },
  would_block: { status: "warning" },
  killed: { status: "success" },
  denied: { status: "success" },
};

/** What the sensor did about it. */
export function ResponseLabel({ response }: { response: Response }) {
  return (
    <Label isCompact variant="outline" {...RESPONSE_LOOKS[response]}>
      {RESPONSE_NAMES[response]}
    </Label>
  );
}
