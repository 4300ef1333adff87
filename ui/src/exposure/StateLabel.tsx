import { Label, type LabelProps } from "@patternfly/react-core";
import type { WindowState } from "../api/generated/types.gen";
import { STATE_NAMES } from "./windowQuery";

const LOOKS: Record<WindowState, Pick<LabelProps, "status" | "color">> = {
  open: { status: "danger" },
  acknowledged: { status: "info" },
  suppressed: { color: "grey" },
  closed: { status: "success" },
};

/** How a window stands. */
export function StateLabel({ state }: { state: WindowState }) {
  return (
    <Label isCompact {...LOOKS[state]}>
      {STATE_NAMES[state]}
    </Label>
  );
}
