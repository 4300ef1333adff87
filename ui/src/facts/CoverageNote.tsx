import { Label } from "@patternfly/react-core";
import type { CoverageOut } from "../api/generated/types.gen";

const LOOKS: Record<CoverageOut["level"], { name: string; status: "success" | "warning" | "info" }> = {
  complete: { name: "Watched completely", status: "success" },
  partial: { name: "Watched in part", status: "warning" },
  none: { name: "Not watched", status: "info" },
};

/** What it rests on that something was not seen in use. Below complete, not seen does not mean not affected. */
export function CoverageNote({ coverage }: { coverage: CoverageOut }) {
  const { name, status } = LOOKS[coverage.level];
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>{" "}
      {coverage.statement}
    </>
  );
}
