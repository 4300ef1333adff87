import { Label } from "@patternfly/react-core";
import type { ClusterRow } from "../api/generated/types.gen";
import { sensorsHealth } from "./health";

/** Running sensors out of nodes. */
export function SensorsPill({ cluster }: { cluster: ClusterRow }) {
  const { name, status, note } = sensorsHealth(cluster);
  return (
    <>
      <Label isCompact status={status}>
        {name}
      </Label>
      {note && <div className="dl-subtle">{note}</div>}
    </>
  );
}
