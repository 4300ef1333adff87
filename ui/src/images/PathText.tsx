import { Fragment } from "react";
import { visible } from "../facts/visible";

/** A path that may go on in the next line after each of its parts. */
export function PathText({ path }: { path: string }) {
  return visible(path)
    .split(/(?<=\/)/)
    .map((part, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a path do not move
      <Fragment key={index}>
        {index > 0 && <wbr />}
        {part}
      </Fragment>
    ));
}
