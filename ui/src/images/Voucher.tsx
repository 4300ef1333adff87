import { Label } from "@patternfly/react-core";
import type { SignatureOut } from "../api/generated/types.gen";
import { voucher } from "./signatures";

/** Who vouches for a statement about an image, or that nobody does. */
export function Voucher({ signature }: { signature: SignatureOut | null }) {
  const { name, status, note } = voucher(signature);
  return (
    <span className="dl-break">
      <Label isCompact status={status}>
        {name}
      </Label>
      <div className="dl-subtle">{note}</div>
    </span>
  );
}
