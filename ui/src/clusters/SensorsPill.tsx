import { Label } from "@patternfly/react-core";
import type { ClusterOut } from "../api/generated/types.gen";
import { sensorsHealth } from "./health";

/** Running sensors out of nodes. */
export function SensorsPill({ cluster }: { cluster: ClusterOut }) {
  const { text, status, note } = sensorsHealth(cluster);
  return (
    <>
      <Label isCompact status={status}>
        {text}
      </Label>
      {note && <div className="dl-subtle">{note}</div>}
    </>
  );
}
