import { Label, Tooltip } from "@patternfly/react-core";
import type { Confidence } from "../api/generated/types.gen";

const MEANINGS = {
  proven: { title: "Proven", color: "green", text: "Signed, or authenticated by the API server when it was done." },
  recorded: { title: "Recorded", color: "blue", text: "A system's own record of what it did." },
  stated: { title: "Stated", color: "grey", text: "A label or annotation, which whoever writes it may choose." },
} as const;

/** What somebody's name rests on. */
export function ConfidenceLabel({ confidence }: { confidence: Confidence }) {
  const { title, color, text } = MEANINGS[confidence];
  return (
    <Tooltip content={text}>
      <Label isCompact variant="outline" color={color} tabIndex={0}>
        {title}
      </Label>
    </Tooltip>
  );
}
