import { Button } from "@patternfly/react-core";
import SyncAltIcon from "@patternfly/react-icons/dist/esm/icons/sync-alt-icon";
import type { SteadyRows } from "./steadyRows";

type Changes = Pick<SteadyRows<unknown>, "added" | "gone" | "hasMoved"> & { update: () => void };

/** Says what a new order of the list would change, and brings it when the reader wants it. */
export function ChangesNote({ added, gone, hasMoved, update }: Changes) {
  const parts = [added > 0 && `${added} new`, gone > 0 && `${gone} gone`, hasMoved && "the order has changed"].filter(
    Boolean,
  );
  return (
    <div className="dl-changes" role="status">
      {parts.length > 0 && (
        <Button variant="secondary" size="sm" icon={<SyncAltIcon />} onClick={update}>
          {`Update the list: ${parts.join(", ")}`}
        </Button>
      )}
    </div>
  );
}
