import { Fragment } from "react";

/** A text that goes on in the next line between its parts, and elsewhere only where a part alone is too long. */
export function Parts({ parts }: { parts: readonly string[] }) {
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text do not move
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
