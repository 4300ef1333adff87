import { Label } from "@patternfly/react-core";

/** On everything that is made up. */
export function DemonstrationLabel({ isShown }: { isShown: boolean }) {
  return isShown ? (
    <Label isCompact color="blue" variant="outline">
      Demonstration
    </Label>
  ) : null;
}
