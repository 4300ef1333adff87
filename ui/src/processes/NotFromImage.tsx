import { Label } from "@patternfly/react-core";

/** Marks a file that was created or changed inside the container. */
export function NotFromImage({ isShown }: { isShown: boolean }) {
  return isShown ? (
    <div>
      <Label isCompact color="orange">
        Not from the image
      </Label>
    </div>
  ) : null;
}
