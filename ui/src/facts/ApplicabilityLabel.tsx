import { Label, type LabelProps } from "@patternfly/react-core";
import type { Applicability } from "../api/generated/types.gen";

const LOOKS: Record<Applicability, { name: string; color: LabelProps["color"] }> = {
  applicable: { name: "Applicable", color: "red" },
  not_applicable: { name: "Not Applicable", color: "green" },
  undetermined: { name: "Undetermined", color: "yellow" },
  not_covered: { name: "Not Covered", color: "grey" },
  rescan_required: { name: "Rescan Required", color: "yellow" },
  upgrade_required: { name: "Upgrade Required", color: "yellow" },
  not_scanned: { name: "Not Scanned", color: "grey" },
};

/** The documented words, by what the service says. */
export const APPLICABILITY_NAMES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(LOOKS).map(([applicability, { name }]) => [applicability, name]),
);

/** What contextual analysis found, in its documented words. */
export function ApplicabilityLabel({ applicability }: { applicability: Applicability }) {
  const { name, color } = LOOKS[applicability];
  return (
    <Label isCompact color={color} variant="outline">
      {name}
    </Label>
  );
}
